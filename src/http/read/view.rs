//! A run as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::openapi::output::Output,
    run::{Labels, Outputs, PlatformStatus, Progress, Run, RunId, Status, Timestamp},
};

/// Upper bound for all field names, brackets and short values, as JSON.
const FIELD_BYTES: usize = 512;

/// A run as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunView<'a> {
    /// The run.
    run_id: RunId,
    /// In the words of ComfyDeploy's API reference; null while none was reported.
    #[schema(required)]
    status: Option<Status>,
    /// The same in the platform's own word.
    #[schema(required)]
    platform_status: Option<PlatformStatus>,
    /// A percentage, or null. It need not reach 100 for the run to be completed.
    #[schema(required)]
    progress: Option<Progress>,
    /// What the run was last known to be busy with.
    #[schema(required)]
    live_status: Option<&'a str>,
    /// Every output, each once, as ComfyDeploy wrote it, in the order in which they were made.
    #[schema(value_type = Vec<Output>, max_items = 1000)]
    outputs: &'a Outputs,
    /// Whether there were more outputs than the run has room for.
    outputs_incomplete: bool,
    /// The query parameters of the webhook's URL, but target_events and token: names and values.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"user": "42"}))]
    labels: &'a Labels,
    /// When the first update was received that said the run was queued, or null.
    #[schema(required)]
    queued_at: Option<Timestamp>,
    /// When the first update was received that said it was processing, or null.
    #[schema(required)]
    started_at: Option<Timestamp>,
    /// When the first update was received that said it was over, or null.
    #[schema(required)]
    ended_at: Option<Timestamp>,
    /// When the first of its updates was received.
    first_seen_at: Timestamp,
    /// When the last of its updates was received.
    last_seen_at: Timestamp,
}

impl<'a> From<&'a Run> for RunView<'a> {
    fn from(run: &'a Run) -> Self {
        let seen = run.seen();
        Self {
            run_id: run.id(),
            status: run.status(),
            platform_status: run.platform_status(),
            progress: run.progress(),
            live_status: run.live_status(),
            outputs: run.outputs(),
            outputs_incomplete: run.outputs().is_incomplete(),
            labels: run.labels(),
            queued_at: seen.queued,
            started_at: seen.started,
            ended_at: seen.ended,
            first_seen_at: seen.first,
            last_seen_at: seen.last,
        }
    }
}

impl<'a> RunView<'a> {
    /// The same without the outputs.
    pub(super) fn without_outputs(run: &'a Run) -> Self {
        static NONE: Outputs = Outputs::new();
        Self {
            outputs: &NONE,
            ..Self::from(run)
        }
    }
}

/// Bytes of JSON that show a run, at most.
pub(super) fn json_bytes(run: &Run) -> usize {
    // An odd character takes six bytes when it is escaped.
    let text = run.live_status().map_or(0, str::len) + run.labels().bytes();
    let quotes = Labels::MAX * r#""":"","#.len();
    FIELD_BYTES + text * 6 + quotes + run.outputs().items_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, run_id, update};

    #[test]
    fn the_json_of_a_run_is_no_larger_than_its_estimate() {
        let odd = "\\u0001".repeat(1_000);
        let long = format!(
            r#"{{"status":"not-started","progress":12.345678901234567,"live_status":"{odd}",
                "outputs":[{{}},{{"id":1}},{{"id":2}}]}}"#
        );
        let ended = r#"{"status":"cancelled"}"#;
        for body in ["{}", &long] {
            let at = at(253_402_207_200_000);
            let mut run = Run::new(run_id(1), at);
            for body in [body, r#"{"status":"running"}"#, ended] {
                run.merge(&update(body), at, usize::MAX);
            }
            let json = serde_json::to_vec(&RunView::from(&run)).unwrap();
            assert!(json.len() <= json_bytes(&run), "{body}");
        }
    }
}
