//! Answering with what was made for one reader. The answers that wait for their readers are bounded
//! together.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;

use super::memory::{Budget, FREE_OF_CHARGE, Share};
use crate::http::problem::Problem;

/// Bytes of an answer that are handed on at a time.
const PORTION: usize = 8 * 1024;

/// `value` as JSON, which takes no more than so many bytes.
///
/// # Errors
/// When as much as `budget` allows waits for its readers already.
pub(in crate::http) fn json(
    value: &impl Serialize,
    most: usize,
    budget: &Budget,
) -> Result<Response, Problem> {
    let mut share = budget.share();
    // Asked first, so that an answer there is no room for costs no time either.
    if !share.grow_to(most) {
        return Err(Problem::busy());
    }
    let json = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    Ok(whole("application/json", json, share))
}

/// `text` as it is.
///
/// # Errors
/// When as much as `budget` allows waits for its readers already.
pub(in crate::http) fn text(
    content_type: &'static str,
    text: String,
    budget: &Budget,
) -> Result<Response, Problem> {
    let mut share = budget.share();
    if !share.grow_to(text.capacity()) {
        return Err(Problem::busy());
    }
    Ok(whole(content_type, text.into_bytes(), share))
}

fn whole(content_type: &'static str, bytes: Vec<u8>, share: Share) -> Response {
    let body = if bytes.len() <= FREE_OF_CHARGE {
        Body::from(bytes)
    } else {
        in_portions(Full::from(bytes), Some(share))
    };
    let content_type = HeaderValue::from_static(content_type);
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// A body handed on in portions: a large piece of it would be copied on its way out. It holds its `share`
/// of the memory for all as long as it lives.
pub(in crate::http) fn in_portions<B>(body: B, share: Option<Share>) -> Body
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    Body::new(Portions {
        body,
        rest: Bytes::new(),
        _share: share,
    })
}

struct Portions<B> {
    body: B,
    /// What of the last piece is still to be handed on.
    rest: Bytes,
    _share: Option<Share>,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Portions<B> {
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
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                last => return Poll::Ready(last),
            }
        }
        let size = self.rest.len().min(PORTION);
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
