//! The stream of one run.

use serde_json::json;

use super::{
    sink::EventSink,
    sse::{Event, EventHead, Scope, data, end_id, removed},
};
use crate::{
    http::problem::Problem,
    run::{RunId, Status},
    store::{Filter, Revision, RunWatch, WatchedNow},
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

/// What the client knows of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    /// What it was at this revision of the store.
    Revision(Revision),
    /// What the database had.
    Stored,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Watching(Sent),
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
            state: State::Watching(seen.map_or(Sent::Nothing, Sent::Revision)),
        }
    }

    /// The next event, once there is one; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        if let Some(heartbeat) = self.sink.ready_for_next().await {
            return Some(heartbeat);
        }
        loop {
            let sent = match self.state {
                State::Watching(sent) => sent,
                State::Ending(status) => {
                    self.state = State::Ended;
                    return Some(end(self.run_id, status));
                }
                State::Ended => return None,
            };
            if let Some(heartbeat) = self.sink.wait_for(self.watch.changed()).await {
                return Some(heartbeat);
            }
            let event = match self.sink.app.store.look(&mut self.watch) {
                Some(now) => self.event_of_store(sent, &now),
                None => self.event_of_database(sent).await.ok()?,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// What to send of a run that is in the store.
    fn event_of_store(&mut self, sent: Sent, now: &WatchedNow) -> Option<Event> {
        if !self.filter.matches(&now.run) {
            return self.event_of_unknown(sent);
        }
        if matches!(sent, Sent::Revision(seen) if seen < now.added) {
            // It was evicted and is known again: this is a new one to the client.
            self.watch.look_again();
            return self.event_of_unknown(sent);
        }
        let revision = now.revision;
        // It may be over: a client that reconnects still gets the end.
        self.state = state_after(Sent::Revision(revision), now.run.status());
        if sent == Sent::Revision(revision) {
            return None;
        }
        let head = self.scope.event(&self.sink.app, revision);
        Some(self.sink.run_event(head, &now.run))
    }

    /// What to send of a run that the store does not have.
    async fn event_of_database(&mut self, sent: Sent) -> Result<Option<Event>, Problem> {
        let run = self.sink.app.lookup.in_database(self.run_id).await?;
        let Some(run) = run.filter(|run| self.filter.matches(run)) else {
            return Ok(self.event_of_unknown(sent));
        };
        self.state = state_after(Sent::Stored, run.status());
        // It has no revision that a client could go on from. So it is sent again to one that reconnects.
        Ok(Some(self.sink.run_event(EventHead::default(), &run)))
    }

    /// What to send of a run that is not known, or not to this client.
    fn event_of_unknown(&mut self, sent: Sent) -> Option<Event> {
        self.state = State::Watching(Sent::Nothing);
        (sent != Sent::Nothing).then(|| removed(EventHead::default(), self.run_id))
    }
}

fn end(run_id: RunId, status: Status) -> Event {
    let end = json!({ "run_id": run_id, "status": status });
    data(EventHead::default().id(end_id(run_id)).event("end"), &end)
}

fn state_after(sent: Sent, status: Option<Status>) -> State {
    match status {
        Some(status) if status.is_terminal() => State::Ending(status),
        _ => State::Watching(sent),
    }
}
