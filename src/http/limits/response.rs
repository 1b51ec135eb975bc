//! JSON responses, each built for one request. The memory of those that are being sent is limited.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::Full;
use serde::Serialize;

use super::{
    frames::in_frames,
    memory::{MemoryBudget, UNMETERED},
};
use crate::http::{json::to_json_line, problem::Problem};

/// `value` as JSON, which is at most `most` bytes without the newline at its end.
///
/// # Errors
/// When the responses that are being sent use up the budget.
pub(in crate::http) fn json(
    value: &impl Serialize,
    most: usize,
    budget: &MemoryBudget,
) -> Result<Response, Problem> {
    let mut reservation = budget.reservation();
    // Reserved first, so that a response for which there is no memory costs no time either.
    if !reservation.grow_to(most + 1) {
        return Err(Problem::NoMemory);
    }
    let mut json = to_json_line(value);
    let body = if json.len() <= UNMETERED {
        Body::from(json)
    } else {
        // It is held until it is sent, and may have grown to twice of what is reserved.
        json.shrink_to_fit();
        in_frames(Full::from(json), Some(reservation))
    };
    let content_type = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}
