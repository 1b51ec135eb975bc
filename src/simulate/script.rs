//! What to send and when: the updates of each run, as ComfyDeploy's backend sends them.

use std::{mem, slice, time::Duration};

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::output;

/// Between the starts of the first runs, and between the end of a run and the start of the next.
const GAP: Duration = Duration::from_millis(1100);

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Succeeded,
    Failed,
    Cancelled,
}

impl Ending {
    const fn status(self) -> &'static str {
        match self {
            Self::Succeeded => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An update to send.
#[derive(Debug, Clone)]
pub(super) struct ScriptedUpdate {
    /// When to send it, at the usual speed, counted from the start.
    pub(super) at: Duration,
    /// The JSON.
    pub(super) body: String,
    /// How many responses the sender treats as lost, so that it retries an update that has arrived.
    pub(super) lost_responses: usize,
    /// Whether the same update was sent before.
    pub(super) is_repeat: bool,
    /// How its run ends with it, if it does.
    pub(super) ending: Option<Ending>,
}

/// All updates of `runs` runs in the order in which they are due. Only ids and times differ from one
/// simulation to the next.
pub(super) fn script(runs: usize, start: Timestamp) -> Vec<ScriptedUpdate> {
    // About four runs at a time: each starts when the one that is four before it has ended.
    let mut next_starts = [0, 1, 2, 3].map(|n| GAP * n);
    let mut updates = Vec::new();
    for n in 0..runs {
        let next_start = &mut next_starts[n % 4];
        let run = RunScript {
            run_id: Uuid::new_v4(),
            ending: match n {
                1 if runs >= 3 => Ending::Failed,
                2 if runs >= 3 => Ending::Cancelled,
                _ => Ending::Succeeded,
            },
            rng: Rng::with_seed(n as u64),
            start,
            clock: *next_start,
            outputs: Vec::new(),
            updates: Vec::new(),
        };
        let run = run.write();
        let last = run.iter().map(|update| update.at).max();
        *next_start = last.unwrap_or_default() + GAP;
        updates.extend(run);
    }
    updates.sort_by_key(|update| update.at);
    updates
}

/// The updates of one run, as far as they are written.
struct RunScript {
    run_id: Uuid,
    ending: Ending,
    rng: Rng,
    start: Timestamp,
    /// The time since `start`, at the usual speed.
    clock: Duration,
    outputs: Vec<Value>,
    updates: Vec<ScriptedUpdate>,
}

impl RunScript {
    fn write(mut self) -> Vec<ScriptedUpdate> {
        self.update("not-started", None, 0, &[]);
        self.after(300).update("queued", None, 0, &[]);
        self.after(1500).update("started", None, 0, &[]);
        self.after(1000).node("CheckpointLoaderSimple", 4);
        self.after(900).node("CLIPTextEncode", 9);
        self.after(300).output("CLIPTextEncode", 12, output::prompt);
        let sampled = match self.ending {
            Ending::Succeeded => 78,
            Ending::Failed => 58,
            Ending::Cancelled => 48,
        };
        for percent in (18..=sampled).step_by(10) {
            self.after(1100).node("KSampler", percent);
        }
        let (node, percent) = match self.ending {
            Ending::Succeeded => {
                let node = Some("SaveImage");
                self.after(900).node("VAEDecode", 86);
                self.after(900).output("SaveImage", 95, output::pictures);
                self.after(500).update("uploading", node, 98, &[]);
                (node, 98)
            }
            Ending::Failed => {
                self.after(600).output("KSampler", sampled, output::error);
                (Some("KSampler"), sampled)
            }
            Ending::Cancelled => (None, sampled),
        };
        let (status, outputs) = (self.ending.status(), mem::take(&mut self.outputs));
        self.after(900).update(status, node, percent, &outputs);
        // Updates of real runs, too, may arrive after the end.
        self.after(900).node("KSampler", 28);
        self.updates
    }

    /// Lets about this time pass.
    fn after(&mut self, millis: u64) -> &mut Self {
        let millis = self.rng.u64(millis * 3 / 4..=millis * 5 / 4);
        self.clock += Duration::from_millis(millis);
        self
    }

    fn node(&mut self, node: &str, percent: u8) {
        self.update("running", Some(node), percent, &[]);
    }

    /// Reports an output by itself; the end of the run reports all of them.
    fn output(&mut self, node: &str, percent: u8, make: fn(&mut Rng, Uuid, &str) -> Value) {
        // The platform writes its times like this, with an offset and a Z.
        let time = format!("{:.6}", self.start + self.clock).replace('Z', "+00Z");
        let output = make(&mut self.rng, self.run_id, &time);
        self.update("running", Some(node), percent, slice::from_ref(&output));
        self.outputs.push(output);
    }

    /// Writes an update. Some are late, some are sent twice, and some are retried.
    fn update(&mut self, status: &str, node: Option<&str>, percent: u8, outputs: &[Value]) {
        let is_output = status == "running" && !outputs.is_empty();
        let body = json!({
            "event_type": if is_output { "run.output" } else { "run.updated" },
            "status": status,
            "live_status": node.map(|node| format!("Executing {node}")),
            "progress": f64::from(percent) / 100.0,
            "run_id": self.run_id,
            "outputs": outputs,
        });
        let late = match self.rng.u8(..4) {
            0 => self.rng.u64(600..=2000),
            _ => 0,
        };
        let update = ScriptedUpdate {
            at: self.clock + Duration::from_millis(late),
            body: body.to_string(),
            lost_responses: 2_usize.saturating_sub(self.rng.usize(..24)),
            is_repeat: false,
            ending: (status == self.ending.status()).then_some(self.ending),
        };
        if self.rng.u8(..12) == 0 {
            self.updates.push(ScriptedUpdate {
                at: update.at + Duration::from_millis(250),
                is_repeat: true,
                ending: None,
                ..update.clone()
            });
        }
        self.updates.push(update);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn script(runs: usize) -> Vec<ScriptedUpdate> {
        super::script(runs, Timestamp::UNIX_EPOCH)
    }

    fn json(update: &ScriptedUpdate) -> Value {
        serde_json::from_str(&update.body).unwrap()
    }

    /// The updates of each run, in the order in which they are due.
    fn by_run(updates: &[ScriptedUpdate]) -> Vec<Vec<&ScriptedUpdate>> {
        let mut runs: HashMap<String, Vec<&ScriptedUpdate>> = HashMap::new();
        for update in updates {
            let run_id = json(update)["run_id"].to_string();
            runs.entry(run_id).or_default().push(update);
        }
        runs.into_values().collect()
    }

    #[test]
    fn each_run_ends_once_and_of_three_or_more_one_fails_and_one_is_cancelled() {
        for (runs, others) in [(1, 0), (2, 0), (3, 1), (8, 1), (100, 1)] {
            let endings: Vec<Ending> = script(runs)
                .iter()
                .filter_map(|update| update.ending)
                .collect();
            let count = |ending| endings.iter().filter(|&&is| is == ending).count();
            assert_eq!(endings.len(), runs);
            assert_eq!(count(Ending::Failed), others, "{runs}");
            assert_eq!(count(Ending::Cancelled), others, "{runs}");
        }
    }

    #[test]
    fn about_four_runs_of_10_to_20_seconds_are_active_at_a_time() {
        let updates = script(100);
        assert!(updates.is_sorted_by_key(|update| update.at));
        let mut active = 0.0;
        for run in by_run(&updates) {
            let [begins, ends] = [run[0], run[run.len() - 1]].map(|update| update.at.as_secs_f64());
            let succeeds = run
                .iter()
                .any(|update| update.ending == Some(Ending::Succeeded));
            assert!(!succeeds || (10.0..20.0).contains(&(ends - begins)));
            active += ends - begins;
        }
        let at_a_time = active / updates[updates.len() - 1].at.as_secs_f64();
        assert!((3.0..4.0).contains(&at_a_time), "{at_a_time}");
    }

    #[test]
    fn the_default_runs_show_late_repeated_and_retried_updates_and_one_after_the_end() {
        let updates = script(8);
        assert!(updates.iter().any(|update| update.is_repeat));
        assert!(updates.iter().any(|update| update.lost_responses > 0));
        let runs = by_run(&updates);
        let progress = |update: &&ScriptedUpdate| json(update)["progress"].as_f64();
        assert!(runs.iter().any(|run| !run.is_sorted_by_key(progress)));
        let ends_last = |run: &Vec<&ScriptedUpdate>| {
            let mut originals = run.iter().filter(|update| !update.is_repeat);
            originals.next_back().unwrap().ending.is_some()
        };
        assert!(!runs.iter().all(ends_last));
    }

    #[test]
    fn outputs_have_the_fields_of_real_ones_and_pictures_need_no_request() {
        fn keys(value: &Value) -> Vec<&String> {
            value.as_object().unwrap().keys().collect()
        }
        let real = include_str!("../../tests/fixtures/wire-08-success.json");
        let real: Value = serde_json::from_str(real).unwrap();
        let real_image = &real["outputs"][0]["data"]["images"][0];
        let mut urls = HashSet::new();
        for update in script(8).iter().filter(|update| update.ending.is_some()) {
            let body = json(update);
            let outputs = body["outputs"].as_array().unwrap();
            assert!(outputs[0]["data"]["text"][0].is_string());
            assert_eq!(keys(&body), keys(&real));
            for output in outputs {
                assert_eq!(keys(output), keys(&real["outputs"][0]));
                for image in output["data"]["images"].as_array().into_iter().flatten() {
                    assert_eq!(keys(image), keys(real_image));
                    let url = image["url"].as_str().unwrap().to_owned();
                    assert!(url.starts_with("data:image/png;base64,") && url.len() < 12 * 1024);
                    assert!(urls.insert(url), "two pictures are the same");
                }
            }
            if update.ending == Some(Ending::Failed) {
                let error = &outputs[1]["data"];
                assert_eq!(error["prompt_id"], body["run_id"]);
                assert!(
                    error["exception_message"].is_string() && error["traceback"][0].is_string()
                );
            }
        }
        assert!(urls.len() > 6);
    }
}
