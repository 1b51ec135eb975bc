//! The socket and the body of a response, which tell the [`Deadline`] of their connection what happens.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{foreign::ForeignLog, timeouts::Deadline};

#[derive(Debug)]
pub(super) struct TimedSocket<'a> {
    pub(super) socket: TcpStream,
    pub(super) deadline: &'a Deadline,
    /// Looks at the first bytes.
    pub(super) foreign: Option<&'a ForeignLog>,
}

/// A response that is cut off must not look complete. Where its end is that of the connection, as in HTTP/1.0, only a
/// reset shows that it is not.
impl Drop for TimedSocket<'_> {
    fn drop(&mut self) {
        if self.deadline.cuts_off_response() {
            // If it fails, the connection is gone anyway.
            let _ = self.socket.set_zero_linger();
        }
    }
}

impl AsyncRead for TimedSocket<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.deadline.received();
            if let Some(foreign) = self.foreign.take() {
                foreign.look_at(&buffer.filled()[before..], || self.socket.peer_addr().ok());
            }
        }
        read
    }
}

impl AsyncWrite for TimedSocket<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.deadline.wrote(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[derive(Debug)]
pub(super) struct TimedBody {
    pub(super) body: Body,
    pub(super) deadline: Arc<Deadline>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                self.deadline.frame(frame.data_ref().map_or(0, Bytes::len));
            }
            Poll::Pending => self.deadline.nothing_to_send(),
            Poll::Ready(Some(Err(_))) => self.deadline.response_fails(),
            Poll::Ready(None) => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.deadline.response_ends();
    }
}
