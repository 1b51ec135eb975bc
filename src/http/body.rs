//! Reading a request body within bounds.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::problem::Problem;

/// How many bytes over the limit are read of a refused body and thrown away, so that a client that is
/// still sending hears the answer instead of a broken connection.
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
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limits: BodyLimits,
) -> Result<Bytes, Problem> {
    let too_large = || Problem::body_too_large(limits.size);
    if announced(&body) > limits.size {
        discard(headers, body, limits).await;
        return Err(too_large());
    }
    match within(limits.time, collect(&mut body, limits.size)).await {
        None => Err(Problem::body_too_slow(limits.time)),
        Some(Err(CutShort)) => Err(Problem::body_cut_short()),
        Some(Ok(None)) => {
            discard(headers, body, limits).await;
            Err(too_large())
        }
        Some(Ok(Some(read))) => Ok(read),
    }
}

/// Reads what there is of a body that is refused, within bounds. A client that asks before it sends the
/// body is not told to send it.
pub(super) async fn discard(headers: &HeaderMap, mut body: Body, limits: BodyLimits) {
    let most = limits.size + OVERRUN;
    if headers.contains_key(header::EXPECT) || announced(&body) > most {
        return;
    }
    let reading = async {
        let mut size = 0;
        while size <= most
            && let Ok(Some(data)) = next(&mut body).await
        {
            size += data.len();
        }
    };
    within(limits.time, reading).await;
}

/// The bytes that the headers say will come; 0 where they say nothing.
fn announced(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// What `future` gives, unless that takes longer than `limit`.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // Most bodies are there already. Only one that is not is worth a timer.
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => timeout(limit, future).await.ok(),
    }
}

/// The connection ended before the body did.
struct CutShort;

/// All of a body, or none of it where it is larger than `limit`.
async fn collect(body: &mut Body, limit: usize) -> Result<Option<Bytes>, CutShort> {
    let first = next(body).await?.unwrap_or_default();
    if first.len() > limit {
        return Ok(None);
    }
    // A body is one frame as a rule, which is used as it is.
    let Some(second) = next(body).await? else {
        return Ok(Some(first));
    };
    let mut joined = [first, second].concat();
    while joined.len() <= limit {
        match next(body).await? {
            Some(data) => joined.extend_from_slice(&data),
            None => return Ok(Some(joined.into())),
        }
    }
    Ok(None)
}

/// The next piece of a body, if there is one.
async fn next(body: &mut Body) -> Result<Option<Bytes>, CutShort> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| CutShort)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
