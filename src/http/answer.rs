//! Answering with JSON. The answers that wait for their readers are bounded together.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use serde::Serialize;

use super::{
    budget::{Budget, FREE_OF_CHARGE, Share},
    problem::Problem,
};

/// Bytes of an answer that are handed on at a time.
const PORTION: usize = 8 * 1024;

/// `value`, of about `size` bytes, as JSON.
///
/// # Errors
/// When as much as `budget` allows waits for its readers already.
pub(super) fn json(
    value: &impl Serialize,
    size: usize,
    budget: &Budget,
) -> Result<Response, Problem> {
    let mut share = budget.share();
    // Asked first, so that an answer there is no room for costs no time either.
    if !share.grow_to(size) {
        return Err(Problem::busy());
    }
    let json = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    if !share.grow_to(json.len()) {
        return Err(Problem::busy());
    }
    let body = if json.len() <= FREE_OF_CHARGE {
        Body::from(json)
    } else {
        Body::new(Portions {
            rest: json.into(),
            _share: share,
        })
    };
    let content_type = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// A large body in portions: whole, it would be copied on its way out.
struct Portions {
    rest: Bytes,
    _share: Share,
}

impl HttpBody for Portions {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.rest.len().min(PORTION);
        let portion = self.rest.split_to(size);
        Poll::Ready((size > 0).then_some(Ok(Frame::data(portion))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
