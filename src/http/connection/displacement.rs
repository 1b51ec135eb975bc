//! Closing a connection for another one, while it waits for its client.

use std::{future::poll_fn, task::Poll, time::Duration};

use tokio::time::Instant;

use super::timeouts::{Deadline, Phase, State};

/// How long a client has for what it sends at once. A connection that has waited longer may be closed for another one.
pub(super) const GRACE: Duration = Duration::from_millis(20);

/// That a connection waits for its client, and since when. The connection that has the least is closed first: one with
/// half a request only if there is none without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wait {
    has_begun: bool,
    since: Instant,
}

impl Wait {
    /// Whether the client has sent the beginning of a request.
    pub(super) fn has_begun(self) -> bool {
        self.has_begun
    }

    pub(super) fn is_over_grace(self) -> bool {
        self.since.elapsed() >= GRACE
    }
}

/// Where a connection is to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Displaced {
    /// In this wait for its client, unless its client ends it.
    InWait(Wait),
    /// While its request waits for a slot, after a response that says so.
    BeforeSlot,
}

impl State {
    fn wait(&self) -> Option<Wait> {
        let has_begun = match self.phase {
            Phase::New | Phase::Idle => false,
            Phase::Head => true,
            Phase::Response => return None,
        };
        // Otherwise it waits for its client to receive a response.
        self.stalled.is_none().then_some(Wait {
            has_begun,
            since: self.since,
        })
    }

    fn displaced(&self) -> Option<Wait> {
        let wait = self.wait()?;
        (self.displaced == Some(Displaced::InWait(wait))).then_some(wait)
    }
}

impl Deadline {
    /// The wait of the connection for its client, unless it is to close already.
    pub(super) fn wait(&self) -> Option<Wait> {
        let state = self.state();
        state.wait().filter(|_| state.displaced().is_none())
    }

    /// The wait of the connection for its client, if it is to close in it.
    pub(super) fn displaced(&self) -> Option<Wait> {
        self.state().displaced()
    }

    /// Asks the connection to close if it is still in this wait. Returns whether it is.
    pub(super) fn displace(&self, seen: Wait) -> bool {
        let is_waiting = self.wait() == Some(seen);
        if is_waiting {
            self.ask(Displaced::InWait(seen));
        }
        is_waiting
    }

    /// Asks the connection, whose request waits for a slot, to give up.
    pub(super) fn displace_before_slot(&self) {
        self.ask(Displaced::BeforeSlot);
    }

    fn ask(&self, displaced: Displaced) {
        self.state().displaced = Some(displaced);
        // A task that does not run yet will see it at its first poll.
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// What the connection, which has no slot, waits for, and since when; `None` if it is to close.
    pub(super) fn without_slot(&self) -> Option<(Option<Wait>, Instant)> {
        let state = self.state();
        let is_leaving =
            state.displaced().is_some() || state.displaced == Some(Displaced::BeforeSlot);
        (!is_leaving).then(|| (state.wait(), state.since))
    }

    /// A request begins to wait for a slot.
    pub(super) fn waits_for_slot(&self) {
        self.state().since = Instant::now();
    }

    /// Returns when the request that waits for a slot has to give up. Only for use in the connection's own task.
    pub(super) async fn gives_up_slot(&self) {
        poll_fn(|_| match self.state().displaced {
            Some(Displaced::BeforeSlot) => Poll::Ready(()),
            _ => Poll::Pending,
        })
        .await;
    }
}
