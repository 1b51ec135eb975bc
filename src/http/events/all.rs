//! The stream of all runs.

use std::{mem, sync::Arc};

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use super::event::{Scope, data, removed, run, with_room};
use crate::{
    http::{budget::Share, pace::WAKING, state::App, subscribers::Subscriber},
    run::Run,
    store::{Counts, Follower, Next},
};

/// One subscriber to all runs.
#[derive(Debug)]
pub(super) struct AllRuns {
    app: Arc<App>,
    scope: Scope,
    follower: Follower,
    counts: Option<Counts>,
    /// Bytes of the run that was told last, and the share of memory that it takes until the next is asked
    /// for.
    told: usize,
    share: Option<Share>,
    subscriber: Subscriber,
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
    pub(super) fn new(
        app: Arc<App>,
        scope: Scope,
        follower: Follower,
        subscriber: Subscriber,
    ) -> Self {
        Self {
            app,
            scope,
            follower,
            counts: None,
            told: 0,
            share: None,
            subscriber,
        }
    }

    /// The next event, once there is one.
    pub(super) async fn next(&mut self) -> Event {
        self.share = None;
        self.subscriber.pace.event(mem::take(&mut self.told)).await;
        if self.counts.is_none()
            && let Some(event) = self.new_counts()
        {
            return event;
        }
        let app = Arc::clone(&self.app);
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
                    self.subscriber.pace.pay(WAKING).await;
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

    async fn run(&mut self, event: Event, shown: Arc<Run>) -> Option<Event> {
        let (share, shown) = with_room(&self.app, shown).await?;
        self.told = shown.json_bytes();
        self.share = Some(share);
        Some(run(event, &shown))
    }

    /// How many runs there are, unless that was told.
    fn new_counts(&mut self) -> Option<Event> {
        let counts = self.app.store.counts();
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
