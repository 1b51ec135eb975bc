//! Deadlines of a connection, so that no client can keep it waiting for ever.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use strum::{IntoStaticStr, VariantArray};
use tokio::time::{Instant, Sleep};

use super::displacement::Displaced;

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the first byte of a request, or from the start of the connection, to the end of the headers.
    pub head: Duration,
    /// How long a client may receive nothing. A whole response may take as long, and a second more for each 64 KiB.
    pub send: Duration,
    /// Between a response and the next request.
    pub idle: Duration,
}

/// The time that a KiB of a response adds, at 64 KiB a second.
const TIME_PER_KIB: Duration = Duration::from_micros(15_625);

/// How long a client may receive nothing while the service shuts down.
const SHUTDOWN_SEND_TIMEOUT: Duration = Duration::from_millis(500);

/// What a client was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(super) enum TimeoutKind {
    #[strum(serialize = "headers")]
    Head,
    Send,
    Idle,
}

/// The deadline of one connection. The socket, the service and the body of the response tell it what happens; all
/// of them live in the connection's own task, so its lock is free but when a connection is looked for that can be closed.
#[derive(Debug)]
pub(super) struct Deadline {
    timeouts: Timeouts,
    /// Wakes the task of the connection, once it runs.
    pub(super) waker: OnceLock<Waker>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) since: Instant,
    /// Since when the client has received nothing of what is ready.
    pub(super) stalled: Option<Instant>,
    /// When the client must have received what is being sent.
    due: Option<Instant>,
    /// Whether a response could not be sent as a whole.
    has_failed: bool,
    /// When the service began to shut down.
    shutdown: Option<Instant>,
    /// Set when the connection is to close for another one.
    pub(super) displaced: Option<Displaced>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before the first byte of the connection.
    New,
    /// Before the first byte of another request.
    Idle,
    /// Before the end of the headers.
    Head,
    /// Before the end of the response. Reading the body has its own timeout, and the rest is up to the service.
    Response,
}

impl Deadline {
    /// For a connection that has just begun.
    pub(super) fn new(timeouts: Timeouts) -> Arc<Self> {
        Arc::new(Self {
            timeouts,
            waker: OnceLock::new(),
            state: Mutex::new(State {
                phase: Phase::New,
                since: Instant::now(),
                stalled: None,
                due: None,
                has_failed: false,
                shutdown: None,
                displaced: None,
            }),
        })
    }

    /// The task of the connection is woken with `waker` from now on.
    pub(super) fn wake_with(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    /// The client has sent something.
    pub(super) fn received(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::New => state.phase = Phase::Head,
            Phase::Idle => state.enter(Phase::Head),
            Phase::Head | Phase::Response => {}
        }
    }

    /// The headers of a request are complete.
    pub(super) fn request_begins(&self) {
        self.state().phase = Phase::Response;
    }

    /// The response has another frame of `bytes` on its way.
    pub(super) fn frame(&self, bytes: usize) {
        let mut state = self.state();
        let due = state
            .due
            .unwrap_or_else(|| Instant::now() + self.timeouts.send);
        let kibs = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        state.due = Some(due + TIME_PER_KIB * kibs);
    }

    /// The response has nothing on its way: it is a stream that waits for a change.
    pub(super) fn nothing_to_send(&self) {
        self.state().due = None;
    }

    /// The rest of the response cannot be made.
    pub(super) fn response_fails(&self) {
        self.state().has_failed = true;
    }

    /// Whether a response would be cut off if the connection ended now.
    pub(super) fn cuts_off_response(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Response || state.stalled.is_some() || state.has_failed
    }

    /// The last frame of the response is on its way.
    pub(super) fn response_ends(&self) {
        self.state().enter(Phase::Idle);
    }

    /// The socket has accepted some of what is ready, or none.
    pub(super) fn wrote<T>(&self, written: &Poll<T>) {
        let mut state = self.state();
        match written {
            Poll::Ready(_) => state.stalled = None,
            Poll::Pending => {
                state.stalled.get_or_insert_with(Instant::now);
            }
        }
    }

    /// The service shuts down.
    pub(super) fn shut_down(&self) {
        self.state().shutdown = Some(Instant::now());
    }

    /// Ready when the client was too slow. `alarm` is reset only if it would fire too late, so that a request costs no
    /// timer.
    pub(super) fn poll_timeout(
        &self,
        mut alarm: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<TimeoutKind> {
        let Some((deadline, kind)) = self.next() else {
            return Poll::Pending;
        };
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(kind);
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Until when the connection waits for its client, and what for; `None` while the client is not waited for.
    pub(super) fn next(&self) -> Option<(Instant, TimeoutKind)> {
        let state = self.state();
        let Timeouts { head, send, idle } = self.timeouts;
        let stalled = state.stalled.map(|since| match state.shutdown {
            None => since + send,
            Some(begun) => since.max(begun) + send.min(SHUTDOWN_SEND_TIMEOUT),
        });
        if let Some(deadline) = stalled.into_iter().chain(state.due).min() {
            return Some((deadline, TimeoutKind::Send));
        }
        match state.phase {
            Phase::New | Phase::Head => Some((state.since + head, TimeoutKind::Head)),
            Phase::Idle => Some((state.since + idle, TimeoutKind::Idle)),
            Phase::Response => None,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
        self.due = None;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::http::connection) const TIMEOUTS: Timeouts = Timeouts {
        head: Duration::from_secs(10),
        send: Duration::from_secs(30),
        idle: Duration::from_secs(75),
    };

    const KIB: usize = 1024;

    /// What times out next, and in how many milliseconds.
    fn next(deadline: &Deadline) -> Option<(TimeoutKind, u128)> {
        let (at, kind) = deadline.next()?;
        Some((kind, (at - Instant::now()).as_millis()))
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_of_a_request_has_its_own_timeout() {
        let deadline = Deadline::new(TIMEOUTS);
        let head = Some((TimeoutKind::Head, 10_000));
        assert_eq!(next(&deadline), head, "the client may send nothing at all");
        deadline.received();
        deadline.request_begins();
        assert_eq!(next(&deadline), None, "the service is at work");
        deadline.wrote::<()>(&Poll::Pending);
        assert_eq!(next(&deadline), Some((TimeoutKind::Send, 30_000)));
        deadline.wrote(&Poll::Ready(()));
        deadline.response_ends();
        assert_eq!(next(&deadline), Some((TimeoutKind::Idle, 75_000)));
        deadline.received();
        assert_eq!(next(&deadline), head);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_on_its_way_extends_the_time_by_its_size_and_nothing_on_its_way_clears_it() {
        let deadline = Deadline::new(TIMEOUTS);
        deadline.request_begins();
        for _ in 0..60 {
            deadline.frame(64 * KIB);
            deadline.wrote(&Poll::Ready(()));
        }
        let sent = Some((TimeoutKind::Send, 90_000));
        assert_eq!(next(&deadline), sent, "to receive a little does not help");
        deadline.nothing_to_send();
        assert_eq!(next(&deadline), None);
        deadline.frame(1);
        assert_eq!(next(&deadline), Some((TimeoutKind::Send, 30_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_receives_nothing_while_the_service_shuts_down_has_little_time() {
        for [first, second] in [
            [Deadline::shut_down, Deadline::response_ends],
            [Deadline::response_ends, Deadline::shut_down],
        ] {
            let deadline = Deadline::new(TIMEOUTS);
            deadline.request_begins();
            deadline.wrote::<()>(&Poll::Pending);
            tokio::time::advance(Duration::from_secs(20)).await;
            first(&deadline);
            second(&deadline);
            assert_eq!(next(&deadline), Some((TimeoutKind::Send, 500)));
            deadline.wrote(&Poll::Ready(()));
            assert_eq!(next(&deadline), Some((TimeoutKind::Idle, 75_000)));
        }
    }
}
