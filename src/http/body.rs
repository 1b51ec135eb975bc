//! Reading a request body within bounds.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::problem::Problem;

/// How many bytes over the limit are read and thrown away, so that a client that is still sending hears
/// the answer instead of a broken connection.
const OVERRUN: usize = 16 * 1024 * 1024;

/// What a request body may cost.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes.
    pub size: usize,
    /// Time from the end of the headers to the end of the body.
    pub time: Duration,
}

/// Reads a whole body.
///
/// # Errors
/// When it is too large, too slow, or ends too early.
pub(super) async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let mut reading = pin!(collect(body, limits.size));
    // Most bodies are there already. Only one that is not is worth a timer.
    match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(read) => read,
        Poll::Pending => timeout(limits.time, reading)
            .await
            .unwrap_or_else(|_| Err(Problem::body_too_slow(limits.time))),
    }
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit.saturating_add(OVERRUN) {
        return Err(Problem::body_too_large(limit));
    }
    let mut size = 0_usize;
    // A body is one frame as a rule, which is used as it is.
    let mut only = Bytes::new();
    let mut joined = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::body_cut_short())?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size > limit.saturating_add(OVERRUN) {
            break;
        } else if size.max(announced) > limit {
            joined = Vec::new();
        } else if size == data.len() {
            only = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&only);
            }
            joined.extend_from_slice(&data);
        }
    }
    if size > limit {
        Err(Problem::body_too_large(limit))
    } else if joined.is_empty() {
        Ok(only)
    } else {
        Ok(joined.into())
    }
}
