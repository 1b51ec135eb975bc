//! The life of one run, as the updates that ComfyDeploy's backend sends of it. Pure: no clock, no network.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{dice::Dice, output};

const ENCODING: &str = "Executing CLIPTextEncode";
const SAMPLING: &str = "Executing KSampler";
const SAVING: &str = "Executing SaveImage";

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Succeeded,
    Failed,
    Cancelled,
}

/// A run to play.
#[derive(Debug)]
pub(super) struct Run {
    /// Its number, which all variety comes from.
    pub(super) n: u64,
    pub(super) id: Uuid,
    pub(super) ending: Ending,
    /// When it begins, for the times that its outputs bear.
    pub(super) begins: Timestamp,
    /// How many times as fast as usual the time passes.
    pub(super) speed: f64,
}

/// One update to send.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// When, from the beginning.
    pub(super) at: Duration,
    /// The JSON.
    pub(super) body: String,
    /// So many answers to it are taken as lost on their way: it is tried again though it has arrived.
    pub(super) answers_lost: usize,
    /// Whether the same was sent before.
    pub(super) is_repeat: bool,
    /// How its run ends with it, if it does.
    pub(super) ends: Option<Ending>,
}

/// Every update of `run`, at the usual speed. Some are late, one comes after the end, and some come twice.
pub(super) fn life(run: &Run) -> Vec<Step> {
    let mut script = Script::new(run);
    script.status("not-started", None, 0).pass(300);
    script.status("queued", None, 0).pass(1500);
    script.status("started", None, 0).pass(1000);
    if run.n.is_multiple_of(2) {
        script.last().answers_lost = 1;
    }
    let loading = "Executing CheckpointLoaderSimple";
    script.status("running", Some(loading), 4).pass(900);
    script.status("running", Some(ENCODING), 9).pass(300);
    script.output(output::prompt, ENCODING, 12).pass(300);
    if run.n % 3 == 1 {
        script.last().answers_lost = 2;
    }
    let sampled = match run.ending {
        Ending::Succeeded => 78,
        Ending::Failed => 58,
        Ending::Cancelled => 48,
    };
    let held_up = 28;
    for percent in (18..=sampled).step_by(10).filter(|&at| at != held_up) {
        script.status("running", Some(SAMPLING), percent).pass(1100);
    }
    script.repeat_last();
    match run.ending {
        Ending::Failed => script.end("failed", Some(SAMPLING), sampled),
        Ending::Cancelled => script.end("cancelled", None, sampled),
        Ending::Succeeded => {
            let decoding = "Executing VAEDecode";
            script.status("running", Some(decoding), 86).pass(900);
            script.output(output::pictures, SAVING, 95).pass(500);
            script.status("uploading", Some(SAVING), 98).pass(900);
            script.end("success", Some(SAVING), 98);
        }
    }
    if run.n % 2 == 1 {
        script.repeat_last();
    }
    script.pass(900);
    script.status("running", Some(SAMPLING), held_up);
    script.steps
}

/// An update, its fields in the order that they have on the wire.
#[derive(Serialize)]
struct Update<'a> {
    event_type: &'a str,
    status: &'a str,
    live_status: Option<&'a str>,
    progress: f64,
    run_id: Uuid,
    outputs: &'a [Value],
}

/// What makes an output, of chance, its run and its time.
type Maker = fn(&mut Dice, Uuid, &str) -> Value;

/// A life as far as it is written.
struct Script<'a> {
    run: &'a Run,
    dice: Dice,
    clock: Duration,
    outputs: Vec<Value>,
    steps: Vec<Step>,
}

impl<'a> Script<'a> {
    const fn new(run: &'a Run) -> Self {
        Self {
            run,
            dice: Dice::new(run.n),
            clock: Duration::ZERO,
            outputs: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Lets about so many milliseconds pass.
    fn pass(&mut self, about: u64) {
        self.clock += Duration::from_millis(self.dice.within(about * 3 / 4, about * 5 / 4));
    }

    /// Tells a status, and no outputs.
    fn status(&mut self, status: &str, live_status: Option<&str>, percent: u8) -> &mut Self {
        let body = self.update("run.updated", status, live_status, percent, &[]);
        let is_late = !self.steps.is_empty() && self.dice.within(1, 4) == 1;
        let late = if is_late {
            self.dice.within(600, 2000)
        } else {
            0
        };
        self.send(body, Duration::from_millis(late));
        self
    }

    /// Makes an output and tells it alone.
    fn output(&mut self, make: Maker, live_status: &str, percent: u8) -> &mut Self {
        let time = self.run.begins + self.clock.div_f64(self.run.speed);
        // The platform writes its times like that, with an offset and a Z.
        let time = format!("{time:.6}").replace('Z', "+00Z");
        let output = make(&mut self.dice, self.run.id, &time);
        let only = std::slice::from_ref(&output);
        let body = self.update("run.output", "running", Some(live_status), percent, only);
        self.send(body, Duration::ZERO);
        self.outputs.push(output);
        self
    }

    /// Tells the end, with all outputs.
    fn end(&mut self, status: &str, live_status: Option<&str>, percent: u8) {
        let outputs = &self.outputs;
        let body = self.update("run.updated", status, live_status, percent, outputs);
        self.send(body, Duration::ZERO);
        self.last().ends = Some(self.run.ending);
    }

    /// Sends the last update once more, a little later.
    fn repeat_last(&mut self) {
        let mut again = self.last().clone();
        again.at += Duration::from_millis(250);
        again.is_repeat = true;
        self.steps.push(again);
    }

    fn send(&mut self, body: String, late: Duration) {
        self.steps.push(Step {
            at: self.clock + late,
            body,
            answers_lost: 0,
            is_repeat: false,
            ends: None,
        });
    }

    fn last(&mut self) -> &mut Step {
        self.steps.last_mut().expect("a life begins with an update")
    }

    fn update(
        &self,
        event_type: &str,
        status: &str,
        live_status: Option<&str>,
        percent: u8,
        outputs: &[Value],
    ) -> String {
        let update = Update {
            event_type,
            status,
            live_status,
            progress: f64::from(percent) / 100.0,
            run_id: self.run.id,
            outputs,
        };
        serde_json::to_string(&update).expect("texts and numbers are JSON")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::{self, Status};

    const ENDINGS: [(Ending, Status, f64, usize); 3] = [
        (Ending::Succeeded, Status::Completed, 98.0, 2),
        (Ending::Failed, Status::Failed, 58.0, 1),
        (Ending::Cancelled, Status::Cancelled, 48.0, 1),
    ];

    fn steps(n: u64, ending: Ending) -> Vec<Step> {
        life(&Run {
            n,
            id: Uuid::from_u128(n.into()),
            ending,
            begins: Timestamp::UNIX_EPOCH,
            speed: 1.0,
        })
    }

    fn merged(n: u64, steps: &[Step]) -> run::Run {
        let at = run::Timestamp::from_millis(0).unwrap();
        let id = Uuid::from_u128(n.into()).to_string().parse().unwrap();
        let mut merged = run::Run::new(id, at);
        for step in steps {
            let update = run::Update::parse(step.body.as_bytes()).unwrap();
            assert_eq!(update.dialect, run::Dialect::Wire);
            assert_eq!(update.run_id, Some(id));
            merged.merge(&update, at);
        }
        merged
    }

    proptest! {
    #![proptest_config(crate::testing::proptest_config())]
        #[test]
        fn whatever_the_order_a_run_ends_as_intended(
            (n, (ending, status, progress, outputs), steps) in
                (0_u64..1000, 0_usize..3).prop_flat_map(|(n, which)| {
                    let intended = ENDINGS[which];
                    (Just(n), Just(intended), Just(steps(n, intended.0)).prop_shuffle())
                })
        ) {
            let run = merged(n, &steps);
            let shown = serde_json::to_value(run.progress()).unwrap();
            prop_assert_eq!(run.platform_status().unwrap().documented(), status, "{:?}", ending);
            prop_assert_eq!(shown.as_f64(), Some(progress));
            prop_assert_eq!(run.outputs().len(), outputs);
        }
    }

    #[test]
    fn a_life_lasts_ten_to_twenty_seconds_or_less_if_it_does_not_succeed() {
        for n in 0..1000 {
            for (ending, ..) in ENDINGS {
                let steps = steps(n, ending);
                let end = steps.iter().find(|step| step.ends.is_some()).unwrap().at;
                let least = if ending == Ending::Succeeded { 10 } else { 6 };
                assert!(
                    (least..20).contains(&end.as_secs()),
                    "{n} {ending:?} {end:?}"
                );
            }
        }
    }

    #[test]
    fn one_update_comes_after_the_end_and_some_come_late_or_twice() {
        for n in 0..1000 {
            let steps = steps(n, Ending::Succeeded);
            let end = steps.iter().find(|step| step.ends.is_some()).unwrap().at;
            let after = steps.iter().filter(|step| step.at > end && !step.is_repeat);
            assert!(after.count() >= 1, "{n}");
            assert!(steps.iter().any(|step| step.is_repeat), "{n}");
            assert!(steps[0].at.is_zero() && steps[0].answers_lost == 0);
        }
        let is_in_order = |n: &u64| {
            let steps = steps(*n, Ending::Succeeded);
            steps.is_sorted_by_key(|step| step.at)
        };
        assert!((0..8).filter(is_in_order).count() < 4);
        assert_eq!(steps(0, Ending::Succeeded)[2].answers_lost, 1);
    }

    #[test]
    fn only_the_end_carries_all_outputs() {
        let counts: Vec<usize> = steps(0, Ending::Succeeded)
            .iter()
            .map(|step| {
                run::Update::parse(step.body.as_bytes())
                    .unwrap()
                    .outputs
                    .len()
            })
            .collect();
        assert_eq!(counts.iter().filter(|&&count| count == 1).count(), 2);
        assert_eq!(counts.iter().filter(|&&count| count == 2).count(), 1);
    }

    #[test]
    fn the_pictures_are_in_the_update_itself() {
        for n in 0..1000 {
            let steps = steps(n, Ending::Succeeded);
            let end = steps.iter().find(|step| step.ends.is_some()).unwrap();
            let end: Value = serde_json::from_str(&end.body).unwrap();
            let images = end["outputs"][1]["data"]["images"].as_array().unwrap();
            assert!(!images.is_empty());
            for image in images {
                assert!(
                    image["url"]
                        .as_str()
                        .unwrap()
                        .starts_with("data:image/svg+xml;base64,")
                );
            }
            assert!(end["outputs"][0]["data"]["text"][0].is_string());
        }
    }

    #[test]
    fn outputs_have_the_fields_that_real_ones_have() {
        let keys = |output: &Value| -> Vec<String> {
            output.as_object().unwrap().keys().cloned().collect()
        };
        let real = include_str!("../../tests/fixtures/wire-08-success.json");
        let real: Value = serde_json::from_str(real).unwrap();
        let steps = steps(0, Ending::Succeeded);
        let end = steps.iter().find(|step| step.ends.is_some()).unwrap();
        let end: Value = serde_json::from_str(&end.body).unwrap();
        assert_eq!(keys(&end), keys(&real));
        let (mine, theirs) = (&end["outputs"][1], &real["outputs"][0]);
        assert_eq!(keys(mine), keys(theirs));
        let image = "/data/images/0";
        assert_eq!(
            keys(mine.pointer(image).unwrap()),
            keys(theirs.pointer(image).unwrap())
        );
    }
}
