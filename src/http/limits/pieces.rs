//! Sends text piece by piece. Each piece is made when the client has received the one before, so what a client does
//! not read takes no memory beyond a piece.

use std::{
    error::Error,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// Text that is made in pieces.
pub(in crate::http) trait Pieces {
    /// Appends what comes next to `text`, until that has at least [`FRAME_BYTES`](super::frames::FRAME_BYTES), and not
    /// much more. Returns whether there is more.
    fn write(&mut self, text: &mut Vec<u8>) -> Result<bool, Gone>;

    /// Bytes that are not written yet, where that is known.
    fn left(&self) -> Option<usize>;
}

/// That the rest of a text can no longer be sent: its run has changed or was dropped since the beginning was sent, and
/// the memory that kept it was needed for others. It ends the connection, so that the client does not take the part for
/// the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run has changed or was dropped since a slow client began to receive it")
    }
}

impl Error for Gone {}

/// The next piece, and whether there is more.
pub(in crate::http) fn next_piece(pieces: &mut impl Pieces) -> Result<(Bytes, bool), Gone> {
    let mut text = Vec::new();
    let is_more = pieces.write(&mut text)?;
    Ok((text.into(), is_more))
}

/// A body that sends `pieces`.
///
/// # Errors
/// When there is no first piece.
pub(in crate::http) fn body<P>(mut pieces: P) -> Result<Body, Gone>
where
    P: Pieces + Send + Unpin + 'static,
{
    let (first, is_more) = next_piece(&mut pieces)?;
    Ok(if is_more {
        Body::new(PiecesBody {
            first,
            pieces,
            is_more,
        })
    } else {
        Body::from(first)
    })
}

struct PiecesBody<P> {
    /// The first piece, until it is sent.
    first: Bytes,
    pieces: P,
    is_more: bool,
}

impl<P: Pieces + Unpin> HttpBody for PiecesBody<P> {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut self.first)))));
        }
        if !self.is_more {
            return Poll::Ready(None);
        }
        let next = next_piece(&mut self.pieces);
        self.is_more = matches!(next, Ok((_, true)));
        Poll::Ready(Some(next.map(|(piece, _)| Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && !self.is_more
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.pieces.left().map(|left| left + self.first.len());
        left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left as u64))
    }
}
