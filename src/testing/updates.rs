//! Updates for the property tests: of few values, so that they often have some in common, and now and then of strange
//! ones that the parser accepts.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{at, run_id, update};
use crate::run::{Label, Merged, Outputs, Run};

/// An update as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) body: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) millis: i64,
}

impl Sent {
    pub(crate) fn merge_into(&self, run: &mut Run, max_output_bytes: usize) -> Merged {
        let labels = self.labels.iter().map(|(name, value)| (name, value));
        let update = update(&self.body).with_labels(labels);
        run.merge(&update, at(self.millis), max_output_bytes)
    }

    /// The state of the nth run after it and then the others.
    pub(crate) fn then(&self, others: &[Self], n: usize, max_output_bytes: usize) -> Run {
        let mut run = Run::new(run_id(n), at(self.millis));
        for sent in [self].into_iter().chain(others) {
            sent.merge_into(&mut run, max_output_bytes);
        }
        run
    }
}

/// One of the usual values, or seldom one of the others.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    usual: Vec<T>,
    others: Vec<T>,
) -> impl Strategy<Value = T> {
    prop_oneof![15 => select(usual), 1 => select(others)]
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// The field `id`: of every type, long, and different only by an escape or at the end.
fn any_id() -> impl Strategy<Value = String> {
    let long = |length, end| format!(r#""{}{end}""#, "i".repeat(length));
    let mut strange = texts([
        "true",
        "-0.5",
        "1e400",
        r#"{"x":1}"#,
        "[1]",
        r#""""#,
        r#""\u0061""#,
        r#""\u0000""#,
        r#""\ud83d\ude00""#,
        r#""😀""#,
        r#""sha256:""#,
    ]);
    strange.extend([
        long(62, "a"),
        long(62, "b"),
        long(126, ""),
        long(127, ""),
        long(200, "a"),
        long(200, "b"),
        long(5_000, ""),
    ]);
    let usual = texts([r#""a""#, r#""b""#, r#""c""#, "null", "7"]);
    let id = mostly(usual, strange).prop_map(|id| format!(r#""id":{id},"#));
    prop_oneof![9 => id, 1 => Just(String::new())]
}

fn any_output() -> impl Strategy<Value = String> {
    let updated_at = select(vec![
        "null",
        r#""2026-03-01T12:00:39.004871+00Z""#,
        r#""2026-03-02""#,
    ]);
    let created_at = select(vec!["null", r#""2026-03-01""#, r#""2026-03-02""#]);
    // In the order of their bytes; some of one date, and some without one.
    let url = select(vec![
        "a?X-Amz-Date=20260301T134500Z",
        "b?X-Amz-Date=20260301T130000Z",
        "c?Expires=1772371200",
        r"d?sp=r\u0026se=2026-03-01T13%3A20Z",
        "e?X-Amz-Date=soon",
        "f",
    ]);
    let deep = "[".repeat(127) + &"]".repeat(127);
    let large = format!(r#""{}""#, "x".repeat(150));
    let data = mostly(texts(["null"]), vec![deep, large]);
    (any_id(), updated_at, created_at, url, data).prop_map(|(id, updated, created, url, data)| {
        format!(
            r#"{{{id}"url":"{url}","data": {data},"updated_at":{updated},"created_at":{created}}}"#
        )
    })
}

/// Some outputs, or seldom more than are read of one update.
fn any_outputs() -> impl Strategy<Value = String> {
    let too_many = vec![r#"{"id":"a"}"#; Outputs::MAX + 1].join(",");
    let some = vec(any_output(), 0..4).prop_map(|outputs| outputs.join(","));
    prop_oneof![99 => some, 1 => Just(too_many)]
}

/// Often more names than a run has room for.
fn any_labels() -> impl Strategy<Value = Vec<(String, String)>> {
    let names: Vec<_> = ('a'..='t').map(String::from).collect();
    let strange = |longest| {
        let mut strange = texts(["\0", "\"", "\\", "a:b", "😀", "{}", " "]);
        strange.push("n".repeat(longest));
        strange
    };
    let name = mostly(names, strange(Label::MAX_NAME));
    let value = mostly(texts(["", "1", "2"]), strange(Label::MAX_VALUE));
    prop_oneof![Just(Vec::new()), vec((name, value), 0..20)]
}

fn any_live_status() -> impl Strategy<Value = String> {
    let mut strange = texts([
        r#"" ""#,
        r#""\u0000""#,
        r#""a\u0000b""#,
        r#""'\"\\\n""#,
        r#""😀""#,
        r#""\ud83d\ude00""#,
    ]);
    strange.push(format!(r#""{}""#, "é".repeat(600)));
    let usual = texts([
        "null",
        r#""""#,
        r#""Executing KSampler""#,
        r#""Executing SaveImage""#,
    ]);
    mostly(usual, strange)
}

/// Few times, or seldom one at the ends of the calendar.
fn any_millis() -> impl Strategy<Value = i64> {
    let ends = vec![-377_705_023_201_000, -1, 253_402_207_200_000];
    mostly((0..5).collect(), ends)
}

/// An update in either dialect.
pub(crate) fn any_update() -> impl Strategy<Value = Sent> {
    let status = select(vec![
        "null",
        "\"queued\"",
        "\"processing\"",
        "\"completed\"",
        "\"failed\"",
        "\"cancelled\"",
        "\"not-started\"",
        "\"started\"",
        "\"running\"",
        "\"uploading\"",
        "\"success\"",
        "\"timeout\"",
    ]);
    let progress = select(vec![
        "null",
        "-1",
        "-0.0",
        "0",
        "5e-324",
        "0.333333333333333333",
        "0.45",
        "0.98",
        "1",
        "1.02",
        "2",
        "45",
        "98",
        "99.99999999999999",
        "100",
    ]);
    let event_type = option::of(select(vec!["run.updated", "run.output"]));
    let parts = (
        status,
        progress,
        any_live_status(),
        event_type,
        any_outputs(),
    );
    (parts, any_labels(), any_millis()).prop_map(
        |((status, progress, live, event_type, outputs), labels, millis)| {
            let event_type = event_type.map_or(String::new(), |e| format!(r#""event_type":"{e}","#));
            let body = format!(
                r#"{{{event_type}"status":{status},"progress":{progress},"live_status":{live},"outputs":[{outputs}]}}"#
            );
            Sent {
                body,
                labels,
                millis,
            }
        },
    )
}
