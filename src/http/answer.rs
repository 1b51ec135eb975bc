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
const PORTION: usize = 16 * 1024;

/// `value` as JSON.
///
/// # Errors
/// When as much as `budget` allows waits for its readers already.
pub(super) fn json(value: &impl Serialize, budget: &Budget) -> Result<Response, Problem> {
    let json = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    let body = if json.len() <= FREE_OF_CHARGE {
        Body::from(json)
    } else {
        let share = budget.share_now(json.len()).ok_or_else(Problem::busy)?;
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
