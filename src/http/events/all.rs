//! The stream of all runs.

use std::sync::Arc;

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use super::{
    event::{Scope, data, removed, run},
    telling::Telling,
};
use crate::{
    run::Run,
    store::{Counts, Follower, Next},
};

/// One subscriber to all runs.
#[derive(Debug)]
pub(super) struct AllRuns {
    telling: Telling,
    scope: Scope,
    follower: Follower,
    counts: Option<Counts>,
}

#[derive(Serialize)]
struct CountsView {
    all: usize,
    queued: usize,
    processing: usize,
    completed: usize,
    failed: usize,
    cancelled: usize,
}

impl AllRuns {
    pub(super) fn new(telling: Telling, scope: Scope, follower: Follower) -> Self {
        Self {
            telling,
            scope,
            follower,
            counts: None,
        }
    }

    /// The next event, once there is one.
    pub(super) async fn next(&mut self) -> Event {
        self.telling.was_taken().await;
        if self.counts.is_none()
            && let Some(event) = self.new_counts()
        {
            return event;
        }
        let app = Arc::clone(&self.telling.app);
        loop {
            // Before looking, so that no change falls between looking and waiting.
            let change = app.store.any_change();
            match app.store.next(&mut self.follower) {
                Next::More => {}
                Next::UpToDate => {
                    if let Some(event) = self.new_counts() {
                        return event;
                    }
                    change.await;
                    self.telling.was_woken().await;
                }
                Next::Snapshot(cause) => {
                    let reason = cause.word();
                    app.metrics.snapshots(reason).inc();
                    let snapshot = Event::default().event("snapshot");
                    return data(snapshot, &json!({ "reason": reason }));
                }
                Next::Present(run) => {
                    if let Some(event) = self.run(Event::default(), run).await {
                        return event;
                    }
                }
                Next::Live(revision) => {
                    return data(self.scope.event(&app, revision).event("live"), &json!({}));
                }
                Next::Changed(revision, run) => {
                    if let Some(event) = self.run(self.scope.event(&app, revision), run).await {
                        return event;
                    }
                }
                Next::Removed(revision, run_id) => {
                    return removed(self.scope.event(&app, revision), run_id);
                }
            }
        }
    }

    async fn run(&mut self, event: Event, shown: Run) -> Option<Event> {
        let shown = self.telling.with_room(shown).await?;
        Some(run(event, &shown))
    }

    /// How many runs there are, unless that was told.
    fn new_counts(&mut self) -> Option<Event> {
        let counts = self.telling.app.store.counts();
        if self.counts.replace(counts) == Some(counts) {
            return None;
        }
        let [queued, processing, completed, failed, cancelled] = counts.by_status;
        let view = CountsView {
            all: counts.all,
            queued,
            processing,
            completed,
            failed,
            cancelled,
        };
        Some(data(Event::default().event("counts"), &view))
    }
}
