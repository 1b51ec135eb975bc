//! The stream of all runs.

use std::{sync::Arc, time::Duration};

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;
use tokio::{task::yield_now, time::Instant};

use super::{
    sink::Telling,
    sse::{Scope, data, removed, run},
};
use crate::{
    run::Run,
    store::{Counts, Follower, Next},
};

/// How old the counts may be that were told, where there is always a run to tell.
const COUNTS_AGE: Duration = Duration::from_secs(1);

/// One subscriber to all runs.
#[derive(Debug)]
pub(super) struct AllRuns {
    telling: Telling,
    scope: Scope,
    follower: Follower,
    /// The counts that were told, and when they were so.
    counts: Option<(Instant, Counts)>,
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
        if self.are_counts_old()
            && let Some(event) = self.new_counts()
        {
            return event;
        }
        let app = Arc::clone(&self.telling.app);
        loop {
            match app.store.next(&mut self.follower) {
                Next::Continue => yield_now().await,
                Next::UpToDate => {
                    if let Some(event) = self.new_counts() {
                        return event;
                    }
                    self.follower.changed().await;
                    self.telling.was_woken().await;
                }
                Next::Snapshot(reason) => {
                    let reason = reason.word();
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

    fn are_counts_old(&self) -> bool {
        self.counts.is_none_or(|(at, _)| at.elapsed() >= COUNTS_AGE)
    }

    /// How many runs there are, unless that was told.
    fn new_counts(&mut self) -> Option<Event> {
        let counts = self.telling.app.store.counts();
        let before = self.counts.replace((Instant::now(), counts));
        if before.is_some_and(|(_, before)| before == counts) {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::{
        body::to_bytes,
        response::{IntoResponse as _, sse::Sse},
    };
    use futures_util::stream;
    use tokio::time::advance;

    use super::*;
    use crate::{
        http::app::App,
        run::{Timestamp, Update},
        store::SnapshotReason,
    };

    fn update(app: &App, body: &str) {
        let run_id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
        let update = Update::parse(body.as_bytes()).unwrap();
        let at = Timestamp::from_millis(0).unwrap();
        app.store.apply(run_id, &update, at).unwrap();
    }

    async fn text(event: Event) -> String {
        let events = stream::iter([Ok::<_, Infallible>(event)]);
        let body = Sse::new(events).into_response().into_body();
        let text = to_bytes(body, usize::MAX).await.unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_always_a_run_to_tell_new_counts_are_told_within_a_second() {
        let app = App::for_tests();
        let telling = Telling::new(Arc::clone(&app), app.subscribers.join().unwrap());
        let follower = app.store.follow(None, 0, SnapshotReason::Start);
        let mut runs = AllRuns::new(telling, Scope::AllRuns(None), follower);
        for name in ["counts", "snapshot", "live"] {
            let told = text(runs.next().await).await;
            assert!(told.contains(&format!("event: {name}\n")), "{told}");
        }
        for (status, counts) in [
            ("queued", r#""queued":1,"processing":0"#),
            ("running", r#""queued":0,"processing":1"#),
        ] {
            for tenths in 1..=10 {
                advance(Duration::from_millis(100)).await;
                update(&app, &format!(r#"{{"status":"{status}"}}"#));
                let told = text(runs.next().await).await;
                assert_eq!(told.contains(counts), tenths == 10, "{tenths}: {told}");
            }
        }
    }
}
