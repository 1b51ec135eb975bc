//! Sending events to one subscriber, at its rate.

use std::{mem, sync::Arc, time::Duration};

use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::sse::{Event, EventHead, data, run_event};
use crate::{
    http::{
        app::App,
        limits::{pieces::Pieces as _, rate::WAKEUP, subscribers::Subscriber},
    },
    run::Run,
};

/// The longest pause between two events, so that neither a proxy nor the client takes a stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where the events of one subscriber go.
#[derive(Debug)]
pub(super) struct EventSink {
    pub(super) app: Arc<App>,
    subscriber: Subscriber,
    /// Bytes of the last event that was sent, which are charged when the next one is asked for: then this
    /// one has left.
    unpaid: usize,
    heartbeat_at: Instant,
}

impl EventSink {
    pub(super) fn new(app: Arc<App>, subscriber: Subscriber) -> Self {
        Self {
            app,
            subscriber,
            unpaid: 0,
            heartbeat_at: Instant::now() + HEARTBEAT,
        }
    }

    /// Waits until the rate allows another event. Returns the heartbeat if it is time for that first.
    pub(super) async fn ready_for_next(&mut self) -> Option<Event> {
        self.heartbeat_at = Instant::now() + HEARTBEAT;
        let bytes = mem::take(&mut self.unpaid);
        let ready = self.subscriber.rate.charge_event(bytes);
        heartbeat_before(ready, self.heartbeat_at).await
    }

    /// Waits until something has `changed`, and the rate allows to look at it. Returns the heartbeat if it is time for
    /// that first.
    pub(super) async fn wait_for(&mut self, changed: impl Future<Output = ()>) -> Option<Event> {
        if let Some(heartbeat) = heartbeat_before(changed, self.heartbeat_at).await {
            return Some(heartbeat);
        }
        self.subscriber.rate.charge(WAKEUP).await;
        None
    }

    /// The event that shows `run`.
    pub(super) fn run_event(&mut self, head: EventHead, run: &Run) -> Event {
        let event = run_event(head, run, &self.app.memory.streams);
        self.unpaid = event.left().unwrap_or(0);
        event
    }
}

/// Gives up waiting when it is time for a heartbeat, and returns that.
///
/// To wait on beside it would not do: once the heartbeats fill the buffer of a connection whose client does not read,
/// nothing of the stream goes on, and others would wait for a turn that it keeps.
async fn heartbeat_before(ready: impl Future<Output = ()>, at: Instant) -> Option<Event> {
    let is_due = at <= Instant::now();
    let is_first = is_due || timeout_at(at, ready).await.is_err();
    is_first.then(|| data(EventHead::default().event("heartbeat"), &json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_its_rate_sends_heartbeats_meanwhile() {
        let app = App::for_tests();
        let subscriber = app.subscribers.subscribe().unwrap();
        let mut sink = EventSink::new(app, subscriber);
        // At 10 MiB a second.
        sink.unpaid = 400 * 1024 * 1024;
        let begin = Instant::now();
        for _ in 0..2 {
            assert!(sink.ready_for_next().await.is_some());
        }
        assert_eq!(begin.elapsed().as_secs(), 30);
        assert!(sink.ready_for_next().await.is_none());
    }
}
