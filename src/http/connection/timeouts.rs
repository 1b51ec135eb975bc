//! Until when a connection waits for what it waits for, so that no client can make it wait for ever.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request, or from the beginning, to the end of the headers.
    pub head: Duration,
    /// For the client to take any of an answer that is ready; all of it has as long, and a second more
    /// for each 64 KiB.
    pub send: Duration,
    /// Between an answer and the next request; or its end, where it began before the answer.
    pub idle: Duration,
}

/// Bytes a second that a client has to take of a large answer.
const SLOWEST: u64 = 64 * 1024;

/// How long a client has to take the end of a stream when the service ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a connection waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Overdue {
    Head,
    Send,
    Idle,
}

impl Overdue {
    /// All of them.
    pub(in crate::http) const ALL: [Self; 3] = [Self::Head, Self::Send, Self::Idle];

    /// In a word, for a metric's label.
    pub(in crate::http) const fn stage(self) -> &'static str {
        match self {
            Self::Head => "headers",
            Self::Send => "send",
            Self::Idle => "idle",
        }
    }
}

/// What one connection waits for, and since when. It is told by the socket, by the service and by the
/// body of the answer; all of them live in the connection's own task, so its lock is never waited for.
#[derive(Debug)]
pub(super) struct Deadlines {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    since: Instant,
    /// Since when the client has taken nothing of what is ready.
    stalled: Option<Instant>,
    /// When all of an answer has to be taken, once that is known.
    due: Option<Instant>,
    /// Whether the answer is a stream, of which nobody knows the size. It is one until the next request
    /// begins: the client may still have to take its end.
    is_stream: bool,
    /// Since when there was always more of the stream to be taken, and how many bytes.
    busy: Option<(Instant, u64)>,
    /// Whether the service ends.
    is_closing: bool,
    /// The bytes in which the head of the next request is, wherever it began: the last that was read, and
    /// before them those of a head that was not complete. hyper reads more only when it needs more.
    head: Vec<u8>,
    /// Where in them the last that was read begins.
    last: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the first byte of another request.
    Idle,
    /// Before the end of the headers.
    Head,
    /// Before the end of the answer. Reading the body has its own limit, and the rest is ours to do.
    Answer,
}

impl Deadlines {
    /// For a connection that has just begun.
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            patience,
            state: Mutex::new(State {
                stage: Stage::Head,
                since: Instant::now(),
                stalled: None,
                due: None,
                is_stream: false,
                busy: None,
                is_closing: false,
                head: Vec::new(),
                last: 0,
            }),
        })
    }

    /// The headers of a request are complete; `inspect` is given the bytes they are in.
    pub(super) fn request_begins<T>(&self, inspect: impl FnOnce(&[u8]) -> T) -> T {
        let mut state = self.state();
        state.stage = Stage::Answer;
        state.is_stream = false;
        let inspected = inspect(&state.head);
        // The head of another request may begin in the last of them, but not before.
        let last = mem::take(&mut state.last);
        state.head.drain(..last);
        inspected
    }

    /// An answer of so many bytes is ready.
    pub(super) fn answer_begins(&self, size: u64) {
        let time = Duration::from_secs(size / SLOWEST);
        self.state().due = Some(Instant::now() + self.patience.send + time);
    }

    /// An answer is ready that goes on until somebody ends it.
    pub(super) fn stream_begins(&self) {
        let mut state = self.state();
        state.is_stream = true;
        state.set_farewell();
    }

    /// A stream has so many bytes more on their way, or none just now. What is to be taken at once is as
    /// good as an answer of that size.
    pub(super) fn stream_goes_on(&self, bytes: Option<u64>) {
        let mut state = self.state();
        if !state.is_stream || state.is_closing {
            return;
        }
        let Some(bytes) = bytes else {
            (state.busy, state.due) = (None, None);
            return;
        };
        let (since, before) = state.busy.unwrap_or_else(|| (Instant::now(), 0));
        let all = before + bytes;
        state.busy = Some((since, all));
        state.due = Some(since + self.patience.send + Duration::from_secs(all / SLOWEST));
    }

    /// The service ends: a stream has its end on its way, and the client little time to take it.
    pub(super) fn service_ends(&self) {
        let mut state = self.state();
        state.is_closing = true;
        state.set_farewell();
    }

    /// The last of an answer is on its way.
    pub(super) fn answer_ends(&self) {
        self.state().enter(Stage::Idle);
    }

    /// Ready when the connection has waited too long. `alarm` is set anew only where it would come too
    /// late, so that a request costs no timer.
    pub(super) fn poll_overdue(
        &self,
        mut alarm: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Overdue> {
        let (deadline, overdue) = self.deadline();
        if deadline < alarm.deadline() {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(overdue);
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Until when the connection may wait for what it waits for.
    pub(super) fn deadline(&self) -> (Instant, Overdue) {
        let state = self.state();
        let stalled = state.stalled.map(|since| since + self.patience.send);
        if let Some(deadline) = stalled.into_iter().chain(state.due).min() {
            return (deadline, Overdue::Send);
        }
        match state.stage {
            Stage::Head => (state.since + self.patience.head, Overdue::Head),
            Stage::Idle => (state.since + self.patience.idle, Overdue::Idle),
            // Nothing is due now; this is when to look again.
            Stage::Answer => (Instant::now() + self.patience.idle, Overdue::Idle),
        }
    }

    /// The client sent this.
    pub(super) fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.stage == Stage::Idle {
            state.is_stream = false;
            state.enter(Stage::Head);
        }
        if state.stage == Stage::Answer {
            // More was needed for the body, so all that was read before is used up.
            state.head.clear();
            state.head.shrink_to(bytes.len());
        }
        state.last = state.head.len();
        state.head.extend_from_slice(bytes);
    }

    /// The client took some of what was ready, or none.
    pub(super) fn wrote<T>(&self, written: &Poll<T>) {
        let mut state = self.state();
        match written {
            Poll::Ready(_) => state.stalled = None,
            Poll::Pending => {
                state.stalled.get_or_insert_with(Instant::now);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
        self.busy = None;
        if !self.is_farewell() {
            self.due = None;
        }
    }

    /// Whether the client has to take the end of a stream, for which it has little time.
    const fn is_farewell(&self) -> bool {
        self.is_stream && self.is_closing
    }

    fn set_farewell(&mut self) {
        if self.is_farewell() {
            self.due = Some(Instant::now() + FAREWELL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        send: Duration::from_secs(30),
        idle: Duration::from_secs(75),
    };

    /// What is overdue first, and in how many seconds.
    fn next(deadlines: &Deadlines) -> (Overdue, u64) {
        let (deadline, overdue) = deadlines.deadline();
        let left = deadline - Instant::now();
        (
            overdue,
            left.as_secs() + u64::from(left.subsec_millis() > 500),
        )
    }

    #[tokio::test]
    async fn a_connection_waits_as_long_as_what_it_waits_for_is_worth() {
        let deadlines = Deadlines::new(PATIENCE);
        assert_eq!(
            next(&deadlines),
            (Overdue::Head, 10),
            "it may send nothing at all"
        );
        deadlines.received(b"GET / HTTP/1.1");
        deadlines.request_begins(|_| ());
        assert_eq!(
            next(&deadlines).1,
            75,
            "nothing is due; this is when to look again"
        );
        deadlines.wrote::<()>(&Poll::Pending);
        assert_eq!(next(&deadlines), (Overdue::Send, 30));
        deadlines.wrote(&Poll::Ready(()));
        deadlines.answer_begins(60 * SLOWEST);
        assert_eq!(
            next(&deadlines),
            (Overdue::Send, 90),
            "taking a little does not help"
        );
        deadlines.wrote(&Poll::Ready(()));
        assert_eq!(next(&deadlines), (Overdue::Send, 90));
        deadlines.answer_ends();
        assert_eq!(next(&deadlines), (Overdue::Idle, 75));
        deadlines.received(b"G");
        assert_eq!(next(&deadlines), (Overdue::Head, 10));
    }

    #[tokio::test]
    async fn a_stream_of_which_there_is_always_more_is_due_as_an_answer_of_that_size_is() {
        let deadlines = Deadlines::new(PATIENCE);
        deadlines.request_begins(|_| ());
        deadlines.stream_begins();
        for _ in 0..60 {
            deadlines.stream_goes_on(Some(SLOWEST));
        }
        assert_eq!(next(&deadlines), (Overdue::Send, 90));
        deadlines.stream_goes_on(None);
        assert_eq!(next(&deadlines).1, 75, "all was taken; nothing is due");
        deadlines.stream_goes_on(Some(1));
        assert_eq!(next(&deadlines), (Overdue::Send, 30));
        deadlines.service_ends();
        deadlines.stream_goes_on(None);
        assert!(deadlines.deadline().0 <= Instant::now() + FAREWELL);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_service_ends_a_stream_has_to_be_taken_soon_whichever_of_them_ends_first() {
        let soon = (Instant::now() + FAREWELL, Overdue::Send);
        for [first, second] in [
            [Deadlines::service_ends, Deadlines::answer_ends],
            [Deadlines::answer_ends, Deadlines::service_ends],
        ] {
            let deadlines = Deadlines::new(PATIENCE);
            deadlines.request_begins(|_| ());
            deadlines.stream_begins();
            deadlines.wrote::<()>(&Poll::Pending);
            first(&deadlines);
            second(&deadlines);
            assert_eq!(deadlines.deadline(), soon);
        }
    }

    #[tokio::test]
    async fn a_request_behind_a_stream_has_its_own_time_when_the_service_ends() {
        let deadlines = Deadlines::new(PATIENCE);
        deadlines.request_begins(|_| ());
        deadlines.stream_begins();
        deadlines.answer_ends();
        deadlines.received(b"G");
        deadlines.service_ends();
        assert_eq!(next(&deadlines), (Overdue::Head, 10));

        let pipelined = Deadlines::new(PATIENCE);
        pipelined.request_begins(|_| ());
        pipelined.stream_begins();
        pipelined.answer_ends();
        pipelined.request_begins(|_| ());
        pipelined.service_ends();
        assert_eq!(next(&pipelined).1, 75, "nothing is due");
    }

    #[tokio::test]
    async fn the_bytes_of_a_head_are_kept_wherever_it_began() {
        let forever = Patience {
            head: Duration::MAX,
            send: Duration::MAX,
            idle: Duration::MAX,
        };
        let deadlines = Deadlines::new(forever);
        let head = || deadlines.request_begins(<[u8]>::to_vec);
        deadlines.received(b"one, ");
        deadlines.received(b"its end");
        assert_eq!(head(), b"one, its end");
        deadlines.received(b"body");
        deadlines.received(b"body|two, ");
        deadlines.answer_ends();
        deadlines.received(b"its end|three|four, ");
        assert_eq!(head(), b"body|two, its end|three|four, ");
        deadlines.answer_ends();
        assert_eq!(head(), b"its end|three|four, ");
        deadlines.answer_ends();
        deadlines.received(b"its end");
        assert_eq!(head(), b"its end|three|four, its end");
    }
}
