//! Watching what a connection waits for, so that no client can make it wait for ever.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

/// How long a connection waits for its client.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request, or from the beginning, to the end of the headers.
    pub head: Duration,
    /// For the client to take any of an answer that is ready.
    pub send: Duration,
    /// Between an answer and the first byte of the next request.
    pub idle: Duration,
}

/// What a connection waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Head,
    Send,
    Idle,
}

impl Overdue {
    /// In a word, for a metric's label.
    pub(super) const fn stage(self) -> &'static str {
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
pub(super) struct Watch {
    patience: Patience,
    head_size: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    since: Instant,
    /// Since when the client has taken nothing of what is ready.
    stalled: Option<Instant>,
    /// What was read since the connection was last idle, as far as a head may reach.
    head: Vec<u8>,
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

impl Watch {
    pub(super) fn new(patience: Patience, head_size: usize) -> Arc<Self> {
        Arc::new(Self {
            patience,
            head_size,
            state: Mutex::new(State {
                stage: Stage::Head,
                since: Instant::now(),
                stalled: None,
                head: Vec::new(),
            }),
        })
    }

    /// The headers of a request are complete. Gives the bytes they were read from to `inspect`.
    pub(super) fn request_begins<T>(&self, inspect: impl FnOnce(&[u8]) -> T) -> T {
        let mut state = self.state();
        state.enter(Stage::Answer);
        inspect(&state.head)
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
        if let Some(stalled) = state.stalled {
            return (stalled + self.patience.send, Overdue::Send);
        }
        match state.stage {
            Stage::Head => (state.since + self.patience.head, Overdue::Head),
            Stage::Idle => (state.since + self.patience.idle, Overdue::Idle),
            // Nothing is due now; this is when to look again.
            Stage::Answer => (Instant::now() + self.patience.idle, Overdue::Idle),
        }
    }

    fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.stage == Stage::Idle {
            state.enter(Stage::Head);
            state.head.clear();
        }
        if state.stage == Stage::Head {
            let room = self.head_size.saturating_sub(state.head.len());
            state
                .head
                .extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn wrote<T>(&self, written: &Poll<T>) {
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
    }
}

/// A socket that tells its [`Watch`] what passes through.
#[derive(Debug)]
pub(super) struct WatchedSocket {
    pub(super) socket: TcpStream,
    pub(super) watch: Arc<Watch>,
}

impl AsyncRead for WatchedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let received = &buffer.filled()[before..];
        if !received.is_empty() {
            self.watch.received(received);
        }
        read
    }
}

impl AsyncWrite for WatchedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.watch.wrote(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// The body of an answer, which tells the watch when it is over.
#[derive(Debug)]
pub(super) struct WatchedBody {
    pub(super) body: Body,
    pub(super) watch: Arc<Watch>,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.watch.answer_ends();
    }
}
