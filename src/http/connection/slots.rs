//! The connections that `--max-connections` allows. At the limit, the one that has waited longest for its client is
//! closed for a new one.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::time::{Instant, timeout};

use super::{
    displacement::{GRACE, Wait},
    set::{ConnectionSet, Slot},
    timeouts::Deadline,
};

/// A search finds one of this many connections, so that at most 64 are looked at for each that is closed.
const SEARCHED_PER_FOUND: usize = 64;

#[derive(Debug)]
pub(super) struct Slots {
    connections: Arc<ConnectionSet>,
    /// How many requests wait for a slot.
    waiting: AtomicUsize,
    search: Mutex<Search>,
}

/// The last search for connections that can be closed.
#[derive(Debug)]
struct Search {
    at: Instant,
    has_failed: bool,
    /// What is left of those that it found. The next to close is the last.
    found: Vec<(Wait, usize)>,
}

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            connections: ConnectionSet::new(limit),
            waiting: AtomicUsize::new(0),
            search: Mutex::new(Search {
                at: Instant::now(),
                has_failed: false,
                found: Vec::new(),
            }),
        }
    }

    pub(super) fn try_take(&self) -> Option<Slot> {
        self.connections.try_take()
    }

    pub(super) fn connections(&self) -> &Arc<ConnectionSet> {
        &self.connections
    }

    /// Whether a request waits for a slot.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    /// A slot, for which another connection is closed.
    pub(super) async fn take(&self) -> Slot {
        let _waiting = Waiting::new(&self.waiting);
        let mut slot = pin!(self.connections.take());
        let mut closing = Weak::new();
        loop {
            if !is_closing(&closing) {
                closing = self.close_longest_waiting().unwrap_or_default();
            }
            // The connection may have received a request before it closed, or none may have been idle.
            if let Ok(slot) = timeout(GRACE, &mut slot).await {
                return slot;
            }
        }
    }

    /// Asks the connection to close that has waited longest for its client, and returns it.
    fn close_longest_waiting(&self) -> Option<Weak<Deadline>> {
        let mut search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = search.at.elapsed() < GRACE;
        if !is_recent {
            // By now there may be idle ones, which come first.
            search.found.retain(|(wait, _)| !wait.has_begun());
        }
        let closing = self.close_next(&mut search);
        if closing.is_some() || search.has_failed && is_recent {
            return closing;
        }
        search.found = self.find();
        search.at = Instant::now();
        let closing = self.close_next(&mut search);
        search.has_failed = closing.is_none();
        closing
    }

    /// Asks the next connection to close of those that were found and have been waiting since.
    fn close_next(&self, search: &mut Search) -> Option<Weak<Deadline>> {
        while let Some((wait, key)) = search.found.pop() {
            if let Some(connection) = self.connections.open().get(key)
                && connection.displace(wait)
            {
                return Some(Arc::downgrade(connection));
            }
        }
        None
    }

    /// The connections that have waited longest, the longest last. Several are looked for at once, since a search looks
    /// at all.
    fn find(&self) -> Vec<(Wait, usize)> {
        let open = self.connections.open();
        let mut waiting: Vec<_> = open
            .iter()
            .filter_map(|(key, connection)| Some((connection.wait()?, key)))
            .filter(|(wait, _)| wait.is_over_grace())
            .collect();
        let enough = open.len().div_ceil(SEARCHED_PER_FOUND);
        drop(open);
        if waiting.len() > enough {
            waiting.select_nth_unstable(enough);
            waiting.truncate(enough);
        }
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        waiting
    }
}

/// Whether a connection is open and will close unless its client sends something.
fn is_closing(connection: &Weak<Deadline>) -> bool {
    let open = connection.upgrade();
    open.is_some_and(|open| open.displaced().is_some())
}

/// Counts a request that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use tokio::time::advance;

    use super::*;
    use crate::http::connection::timeouts::tests::TIMEOUTS;

    /// Opens a connection after the others, and lets something happen to it.
    async fn open(slots: &Slots, happens: impl FnOnce(&Deadline)) -> Arc<Deadline> {
        advance(GRACE).await;
        let connection = Deadline::new(TIMEOUTS);
        let slot = slots.try_take().expect("too many for the test");
        // It stays open for as long as the test.
        std::mem::forget(slots.connections().insert(&connection, slot));
        happens(&connection);
        connection
    }

    fn respond(connection: &Deadline) {
        connection.received();
        connection.request_begins();
        connection.response_ends();
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_has_waited_longest_is_closed_first_and_a_busy_one_never() {
        let slots = Slots::new(9);
        let stalled = open(&slots, |it| {
            respond(it);
            it.wrote::<()>(&Poll::Pending);
        });
        let stalled = stalled.await;
        let half_a_head = open(&slots, Deadline::received).await;
        let busy = open(&slots, Deadline::request_begins).await;
        let [silent, idle, used] = [
            open(&slots, |_| {}).await,
            open(&slots, respond).await,
            open(&slots, respond).await,
        ];
        advance(GRACE).await;
        respond(&silent);
        let fresh = open(&slots, |_| {}).await;
        let all = [&stalled, &half_a_head, &busy, &silent, &idle, &used, &fresh];
        let mut closed = Vec::new();
        for _ in 0..all.len() {
            slots.close_longest_waiting();
            let is_new = |at: &usize| all[*at].displaced().is_some() && !closed.contains(at);
            closed.extend((0..all.len()).find(is_new));
            advance(GRACE / 2).await;
        }
        assert_eq!(closed, [4, 5, 3, 6, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_arrives_before_its_connection_closes_is_not_cut_off() {
        let slots = Slots::new(2);
        let used = open(&slots, respond).await;
        let silent = open(&slots, |_| {}).await;
        advance(GRACE).await;
        for connection in [used, silent] {
            slots.close_longest_waiting();
            assert!(connection.displaced().is_some());
            connection.received();
            assert_eq!(connection.displaced(), None);
            respond(&connection);
            assert_eq!(connection.displaced(), None, "that was another wait");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_that_an_earlier_search_found_comes_after_what_is_idle_by_now() {
        let slots = Slots::new(65);
        let begun = [
            open(&slots, Deadline::received).await,
            open(&slots, Deadline::received).await,
        ];
        let mut busy = Vec::new();
        for _ in 2..65 {
            busy.push(open(&slots, Deadline::request_begins).await);
        }
        slots.close_longest_waiting();
        assert!(begun[0].displaced().is_some());
        busy[5].response_ends();
        advance(GRACE).await;
        slots.close_longest_waiting();
        assert!(busy[5].displaced().is_some() && begun[1].displaced().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_finds_a_sixty_fourth_of_all_connections() {
        let slots = Slots::new(1_024);
        for _ in 0..1_024 {
            open(&slots, |_| {}).await;
        }
        advance(GRACE).await;
        let keys: Vec<_> = slots.find().into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys, (0..16).rev().collect::<Vec<_>>());
    }
}
