//! The stream of one run.

use std::sync::Arc;

use serde_json::json;

use super::{
    sink::EventSink,
    sse::{Event, EventHead, Scope, data, end_id, removed},
};
use crate::{
    run::{RunId, Status},
    store::{Filter, Revision, RunWatch},
};

/// The events for one subscriber to one run.
#[derive(Debug)]
pub(super) struct OneRun {
    sink: EventSink,
    run_id: RunId,
    /// Which labels the run has to have: without them it is not known to the client.
    filter: Filter,
    scope: Scope,
    watch: RunWatch,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The revision that was sent last, if the run was known.
    Watching(Option<Revision>),
    /// The final status was sent; the `end` follows.
    Ending(Status),
    Ended,
}

impl OneRun {
    /// For a client that knows the run up to the revision `seen`, if it knows it.
    pub(super) fn new(
        sink: EventSink,
        run_id: RunId,
        filter: Filter,
        scope: Scope,
        seen: Option<Revision>,
    ) -> Self {
        let watch = sink.app.store.watch(run_id);
        Self {
            sink,
            run_id,
            filter,
            scope,
            watch,
            state: State::Watching(seen),
        }
    }

    /// The next event, once there is one; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        if let Some(heartbeat) = self.sink.ready_for_next().await {
            return Some(heartbeat);
        }
        let app = Arc::clone(&self.sink.app);
        loop {
            let seen = match self.state {
                State::Watching(seen) => seen,
                State::Ending(status) => {
                    self.state = State::Ended;
                    let end = json!({ "run_id": self.run_id, "status": status });
                    return Some(data(
                        EventHead::default().id(end_id(self.run_id)).event("end"),
                        &end,
                    ));
                }
                State::Ended => return None,
            };
            if let Some(heartbeat) = self.sink.wait_for(self.watch.changed()).await {
                return Some(heartbeat);
            }
            let now = app.store.look(&mut self.watch);
            let Some(now) = now.filter(|now| self.filter.matches(&now.run)) else {
                self.state = State::Watching(None);
                if seen.is_some() {
                    return Some(removed(EventHead::default(), self.run_id));
                }
                continue;
            };
            if seen.is_some_and(|seen| seen < now.added) {
                // It was evicted and is known again: this is a new one to the client.
                self.state = State::Watching(None);
                self.watch.look_again();
                return Some(removed(EventHead::default(), self.run_id));
            }
            let revision = now.revision;
            if Some(revision) == seen {
                // It may be over: a client that reconnects still gets the end.
                self.state = state_after(revision, now.run.status());
                continue;
            }
            self.state = state_after(revision, now.run.status());
            let head = self.scope.event(&app, revision);
            return Some(self.sink.run_event(head, &now.run));
        }
    }
}

fn state_after(revision: Revision, status: Option<Status>) -> State {
    match status {
        Some(status) if status.is_terminal() => State::Ending(status),
        _ => State::Watching(Some(revision)),
    }
}
