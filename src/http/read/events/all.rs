//! The stream of all runs.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::json;
use tokio::{task::yield_now, time::Instant};

use super::{
    sink::EventSink,
    sse::{Event, EventHead, Scope, data, removed},
};
use crate::{
    http::{params::Cursor, read::service::RunCounts},
    store::{Counts, Follower, Next},
};

/// After this time new counts are sent even if there is always another run to send.
const COUNTS_AGE: Duration = Duration::from_secs(1);

/// The events for one subscriber to all runs.
#[derive(Debug)]
pub(super) struct AllRuns {
    sink: EventSink,
    scope: Scope,
    follower: Follower,
    /// The counts that were sent last, and when.
    counts: Option<(Instant, Counts)>,
}

/// That all present runs were sent, or as many as the limit allows.
#[derive(Serialize)]
struct Live {
    /// Where the list of those that were left out begins.
    next_cursor: Option<Cursor>,
}

impl AllRuns {
    pub(super) fn new(sink: EventSink, scope: Scope, follower: Follower) -> Self {
        Self {
            sink,
            scope,
            follower,
            counts: None,
        }
    }

    /// The next event, once there is one.
    pub(super) async fn next(&mut self) -> Event {
        if let Some(heartbeat) = self.sink.ready_for_next().await {
            return heartbeat;
        }
        if self.are_counts_old()
            && let Some(event) = self.new_counts()
        {
            return event;
        }
        let app = Arc::clone(&self.sink.app);
        loop {
            match app.store.next(&mut self.follower) {
                Next::Continue => yield_now().await,
                Next::UpToDate => {
                    if let Some(event) = self.new_counts() {
                        return event;
                    }
                    let changed = self.follower.changed();
                    if let Some(heartbeat) = self.sink.wait_for(changed).await {
                        return heartbeat;
                    }
                }
                Next::Snapshot(reason) => {
                    let reason = reason.word();
                    app.metrics.snapshots(reason).inc();
                    let snapshot = EventHead::default().event("snapshot");
                    return data(snapshot, &json!({ "reason": reason }));
                }
                Next::Present(run) => return self.sink.run_event(EventHead::default(), &run),
                Next::Live(revision, older) => {
                    let live = Live {
                        next_cursor: older.map(Cursor),
                    };
                    return data(self.scope.event(&app, revision).event("live"), &live);
                }
                Next::Changed(revision, run) => {
                    let head = self.scope.event(&app, revision);
                    return self.sink.run_event(head, &run);
                }
                Next::Removed(revision, run_id) => {
                    return removed(self.scope.event(&app, revision), run_id);
                }
            }
        }
    }

    fn are_counts_old(&self) -> bool {
        self.counts.is_none_or(|(at, _)| at.elapsed() >= COUNTS_AGE)
    }

    /// How many runs there are of each status, unless that was sent last.
    fn new_counts(&mut self) -> Option<Event> {
        let counts = self.sink.app.store.counts();
        let before = self.counts.replace((Instant::now(), counts));
        if before.is_some_and(|(_, before)| before == counts) {
            return None;
        }
        Some(data(
            EventHead::default().event("counts"),
            &RunCounts::from(counts),
        ))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::{
        http::{app::App, limits::pieces::Pieces as _},
        store::{Filter, SnapshotReason},
        testing::{at, run_id, update},
    };

    fn apply(app: &App, body: &str) {
        app.store.apply(run_id(1), &update(body), at(0));
    }

    fn text(mut event: Event) -> String {
        let mut text = Vec::new();
        event.write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn new_counts_are_sent_within_a_second_though_there_is_always_another_run_to_send() {
        let app = App::for_tests();
        let sink = EventSink::new(Arc::clone(&app), app.subscribers.subscribe().unwrap());
        let follower = app
            .store
            .follow(Filter::default(), 0, SnapshotReason::Start);
        let mut runs = AllRuns::new(sink, Scope::runs(&Filter::default()), follower);
        for name in ["counts", "snapshot", "live"] {
            let sent = text(runs.next().await);
            assert!(sent.contains(&format!("event: {name}\n")), "{sent}");
        }
        for (status, counts) in [
            ("queued", r#""queued":1,"processing":0"#),
            ("running", r#""queued":0,"processing":1"#),
        ] {
            for tenths in 1..=10 {
                advance(Duration::from_millis(100)).await;
                apply(&app, &format!(r#"{{"status":"{status}"}}"#));
                let sent = text(runs.next().await);
                assert_eq!(sent.contains(counts), tenths == 10, "{tenths}: {sent}");
            }
        }
    }
}
