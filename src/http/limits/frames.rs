//! Sends a body in small frames.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, SizeHint};

/// Bytes of a frame, at most. hyper copies what it sends, since writev is off, and it would copy a large frame as a
/// whole.
pub(in crate::http) const FRAME_BYTES: usize = 8 * 1024;

/// A body that is sent in small frames.
pub(in crate::http) fn in_frames<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    Body::new(Frames {
        body,
        rest: Bytes::new(),
    })
}

struct Frames<B> {
    body: B,
    /// The rest of the frame that is being split.
    rest: Bytes,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Frames<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                last => return Poll::Ready(last),
            }
        }
        let size = self.rest.len().min(FRAME_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};

    use super::*;

    #[tokio::test]
    async fn a_body_is_sent_in_small_frames_and_its_size_is_known_at_every_one() {
        let size = 2 * FRAME_BYTES + 5;
        let mut body = in_frames(Full::from(vec![b'x'; size]));
        let mut left = size;
        for frame in [FRAME_BYTES, FRAME_BYTES, 5] {
            assert_eq!(body.size_hint().exact(), Some(left as u64));
            assert!(!body.is_end_stream());
            let sent = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(sent.len(), frame);
            left -= frame;
        }
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    }
}
