//! The stream of one run.

use std::sync::Arc;

use axum::response::sse::Event;
use serde_json::json;

use super::{
    sink::Telling,
    sse::{END, Scope, data, removed, run},
};
use crate::{
    run::{RunId, Status},
    store::{Revision, RunWatch},
};

/// One subscriber to one run.
#[derive(Debug)]
pub(super) struct OneRun {
    telling: Telling,
    run_id: RunId,
    watch: RunWatch,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The revision of the run that was told last, if it was known.
    Watching(Option<Revision>),
    Ending(Status),
    Ended,
}

impl OneRun {
    /// For a subscriber who has `seen` the run, or not.
    pub(super) fn new(telling: Telling, run_id: RunId, seen: Option<Revision>) -> Self {
        let watch = telling.app.store.watch(run_id);
        Self {
            telling,
            run_id,
            watch,
            step: Step::Watching(seen),
        }
    }

    /// The next event, once there is one; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.telling.was_taken().await;
        let app = Arc::clone(&self.telling.app);
        loop {
            let seen = match self.step {
                Step::Watching(seen) => seen,
                Step::Ending(status) => {
                    self.step = Step::Ended;
                    let end = json!({ "run_id": self.run_id, "status": status });
                    return Some(data(Event::default().id(END).event("end"), &end));
                }
                Step::Ended => return None,
            };
            self.watch.changed().await;
            self.telling.was_woken().await;
            // Looked up when there is time for it, so that it is told as it is by then.
            let Some((revision, shown)) = app.store.look(&mut self.watch) else {
                self.step = Step::Watching(None);
                if seen.is_some() {
                    return Some(removed(Event::default(), self.run_id));
                }
                continue;
            };
            if Some(revision) == seen {
                // It may be over: a client that comes back is told the end.
                self.step = step_after(revision, shown.status());
                continue;
            }
            if let Some(shown) = self.telling.with_room(shown).await {
                self.step = step_after(revision, shown.status());
                return Some(run(Scope::OneRun.event(&app, revision), &shown));
            }
        }
    }
}

fn step_after(revision: Revision, status: Option<Status>) -> Step {
    match status {
        Some(status) if status.is_terminal() => Step::Ending(status),
        _ => Step::Watching(Some(revision)),
    }
}
