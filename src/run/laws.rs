//! The laws of the join, tested: whatever the order and the repetition of its updates, a run ends in
//! one state.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Run, Status, Timestamp, Update};

const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/wire-", $name, ".json"))
    };
}

/// The whole life of one run, and the three other ends it could have come to.
const WIRE: [&str; 13] = [
    fixture!("01-not-started"),
    fixture!("02-queued"),
    fixture!("03-started"),
    fixture!("04-running-progress"),
    fixture!("05-run-output-text"),
    fixture!("06-run-output-images"),
    fixture!("07-uploading"),
    fixture!("08-success"),
    fixture!("09-late-progress-after-success"),
    fixture!("10-success-again-fresh-urls"),
    fixture!("cancelled"),
    fixture!("failed"),
    fixture!("timeout"),
];

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn with(mut run: Run, body: &str, millis: i64) -> Run {
    run.merge(&Update::parse(body.as_bytes()).unwrap(), at(millis));
    run
}

fn one(body: &str, millis: i64) -> Run {
    with(Run::new(ID.parse().unwrap(), at(millis)), body, millis)
}

fn joined(a: &Run, b: &Run) -> Run {
    let mut run = a.clone();
    run.join(b);
    run
}

/// Whether `b` knows all that `a` knows: the order that the join is the least upper bound of.
fn at_most(a: &Run, b: &Run) -> bool {
    joined(a, b) == *b
}

/// Every permutation, by induction: for each set of updates, whichever of them came last, the state is
/// the same. So all paths from no update to all of them, which are the permutations, end in one state.
#[test]
fn every_permutation_of_the_wire_fixtures_ends_in_one_state() {
    let mut after: Vec<Option<Run>> = vec![None; 1 << WIRE.len()];
    for set in 1..after.len() {
        for (last, body) in WIRE
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
        {
            let millis = i64::try_from(last).unwrap();
            let state = match after[set & !(1 << last)].clone() {
                Some(before) => with(before, body, millis),
                None => one(body, millis),
            };
            assert_eq!(
                with(state.clone(), body, millis),
                state,
                "a repetition changes nothing"
            );
            let known = after[set].get_or_insert_with(|| state.clone());
            assert_eq!(*known, state, "{set:b}: the order shows");
        }
    }
    let end = after.pop().flatten().unwrap();
    let status = end.platform_status().unwrap();
    assert_eq!(
        (status.word(), status.documented()),
        ("success", Status::Completed)
    );
    assert_eq!(serde_json::to_string(&end.progress()).unwrap(), "98");
    assert_eq!(end.live_status(), Some("Executing SaveImage"));
    assert_eq!((end.seen().first, end.seen().last), (at(0), at(12)));
    assert_eq!(end.outputs().len(), 3);
    let outputs = serde_json::to_string(end.outputs()).unwrap();
    assert_eq!(
        outputs.matches("X-Amz-Signature").count(),
        2,
        "the fresh URLs are kept"
    );
}

#[test]
fn live_status_belongs_to_the_furthest_point_whatever_the_dialect() {
    let further = r#"{"status":"processing","progress":50,"live_status":"further"}"#;
    let behind =
        r#"{"event_type":"run.updated","status":"running","progress":0.1,"live_status":"behind"}"#;
    let run = with(one(further, 1), behind, 2);
    assert_eq!(run.live_status(), Some("further"));
    assert_eq!(
        run.platform_status().unwrap().word(),
        "running",
        "the wire's word for that stage"
    );
    let silent = with(run, r#"{"status":"timeout"}"#, 3);
    assert_eq!(
        silent.live_status(),
        None,
        "the furthest point says nothing"
    );
}

fn output() -> impl Strategy<Value = String> {
    let id = select(vec![r#""a""#, r#""b""#, r#""c""#, "null", "7"]);
    let updated_at = select(vec![
        "null",
        r#""2026-03-01T12:00:39.004871+00Z""#,
        r#""2026-03-02""#,
    ]);
    (id, updated_at, 0..3)
        .prop_map(|(id, at, n)| format!(r#"{{"id":{id},"data":{n},"updated_at":{at}}}"#))
}

/// An update in either dialect, of a small world in which things meet.
fn update() -> impl Strategy<Value = (String, i64)> {
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
        "null", "-1", "0", "0.45", "0.98", "1", "45", "98", "100",
    ]);
    let live = select(vec![
        "null",
        r#""""#,
        r#""Executing KSampler""#,
        r#""Executing SaveImage""#,
    ]);
    let event_type = option::of(select(vec!["run.updated", "run.output"]));
    (status, progress, live, event_type, vec(output(), 0..4), 0..5_i64).prop_map(
        |(status, progress, live, event_type, outputs, millis)| {
            let mark = event_type.map_or(String::new(), |e| format!(r#""event_type":"{e}","#));
            let body = format!(
                r#"{{{mark}"status":{status},"progress":{progress},"live_status":{live},"outputs":[{}]}}"#,
                outputs.join(",")
            );
            (body, millis)
        },
    )
}

fn state() -> impl Strategy<Value = Run> {
    (update(), vec(update(), 0..6)).prop_map(|((body, millis), rest)| {
        rest.iter().fold(one(&body, millis), |run, (body, millis)| {
            with(run, body, *millis)
        })
    })
}

/// The updates of a run and when each was received.
type Life = Vec<(String, i64)>;

/// A life of many updates, and the same with another order and with some of them repeated.
fn two_tellings() -> impl Strategy<Value = (Life, Life)> {
    vec(update(), 1..60).prop_flat_map(|life| {
        let repeated = vec(select(life.clone()), 0..30);
        let retold = repeated
            .prop_map({
                let life = life.clone();
                move |mut more| {
                    more.extend(life.iter().cloned());
                    more
                }
            })
            .prop_shuffle();
        (Just(life), retold)
    })
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    #[test]
    fn the_join_is_commutative(a in state(), b in state()) {
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
    }

    #[test]
    fn the_join_is_associative(a in state(), b in state(), c in state()) {
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
    }

    #[test]
    fn the_join_is_idempotent(a in state(), b in state()) {
        prop_assert_eq!(joined(&a, &a), a.clone());
        let both = joined(&a, &b);
        prop_assert_eq!(joined(&both, &b), both);
    }

    #[test]
    fn the_join_is_monotone(a in state(), b in state(), c in state()) {
        let larger = joined(&a, &b);
        prop_assert!(at_most(&a, &larger) && at_most(&b, &larger));
        prop_assert!(at_most(&joined(&a, &c), &joined(&larger, &c)));
    }

    #[test]
    fn merging_an_update_is_joining_the_state_it_describes(a in state(), (body, millis) in update()) {
        prop_assert_eq!(with(a.clone(), &body, millis), joined(&a, &one(&body, millis)));
    }

    #[test]
    fn a_merge_says_truly_whether_it_changed_anything(a in state(), (body, millis) in update()) {
        let mut after = a.clone();
        let changed = after.merge(&Update::parse(body.as_bytes()).unwrap(), at(millis));
        let mut before = a;
        let seen_last = Run::new(before.id(), at(millis).max(before.seen().first));
        before.join(&seen_last);
        prop_assert_eq!(changed, after != before);
    }

    #[test]
    fn any_order_and_any_repetition_of_a_life_ends_in_one_state((told, retold) in two_tellings()) {
        let end = |life: &Life| {
            life.iter().skip(1).fold(one(&life[0].0, life[0].1), |run, (body, millis)| {
                with(run, body, *millis)
            })
        };
        prop_assert_eq!(end(&told), end(&retold));
    }
}
