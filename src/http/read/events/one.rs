//! The stream of one run.

use std::sync::Arc;

use axum::response::sse::Event;
use serde_json::json;

use super::{
    sink::EventSink,
    sse::{END, Scope, data, removed, run},
};
use crate::{
    run::{RunId, Status},
    store::{Revision, Watch},
};

/// One subscriber to one run.
#[derive(Debug)]
pub(super) struct OneRun {
    sink: EventSink,
    run_id: RunId,
    watch: Watch,
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
    pub(super) fn new(sink: EventSink, run_id: RunId, seen: Option<Revision>) -> Self {
        let store = &sink.app.store;
        let watch = store.watch(run_id);
        let step = match store.state(run_id) {
            Some((revision, run)) if Some(revision) == seen => step_after(revision, run.status()),
            _ => Step::Watching(seen),
        };
        Self {
            sink,
            run_id,
            watch,
            step,
        }
    }

    /// The next event, once there is one; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.sink.ready_for_next().await;
        let app = Arc::clone(&self.sink.app);
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
            app.store.watched(&self.watch, seen).await;
            self.sink.throttle_wakeup().await;
            // Looked up when there is time for it, so that it is told as it is by then.
            let Some((revision, shown)) = app.store.state(self.run_id) else {
                self.step = Step::Watching(None);
                if seen.is_some() {
                    return Some(removed(Event::default(), self.run_id));
                }
                continue;
            };
            if let Some(shown) = self.sink.reserve_for(shown).await {
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
