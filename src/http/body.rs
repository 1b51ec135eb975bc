//! Reading a request body within bounds.

use std::{future::poll_fn, ops::Deref, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::{
    budget::{Budget, FREE_OF_CHARGE, Share},
    problem::Problem,
};

/// How many bytes over the limit are read of a refused body and thrown away, so that a client that is
/// still sending hears the answer instead of a broken connection.
const OVERRUN: usize = 16 * 1024 * 1024;

/// What request bodies may cost.
#[derive(Debug, Clone)]
pub struct BodyLimits {
    /// Bytes of one.
    pub size: usize,
    /// Time from the end of the headers to the end of the body.
    pub time: Duration,
    /// Bytes of all that are read at a time.
    pub in_flight: Budget,
}

/// A whole body, and its share of the memory for all.
pub(super) struct Read {
    bytes: Bytes,
    _share: Option<Share>,
}

impl Deref for Read {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a body could not be read.
enum Unread {
    TooLarge,
    CutShort,
    Busy,
}

/// Reads a whole body.
///
/// # Errors
/// When it is too large, too slow, or ends too early, or when too much is being read at a time.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limits: &BodyLimits,
) -> Result<Read, Problem> {
    let read = if announced(&body) > limits.size {
        Some(Err(Unread::TooLarge))
    } else {
        within(limits.time, collect(&mut body, limits)).await
    };
    match read {
        Some(Ok(read)) => Ok(read),
        None => Err(Problem::body_too_slow(limits.time)),
        Some(Err(Unread::CutShort)) => Err(Problem::body_cut_short()),
        Some(Err(Unread::Busy)) => Err(Problem::busy()),
        Some(Err(Unread::TooLarge)) => {
            discard(headers, body, limits).await;
            Err(Problem::body_too_large(limits.size))
        }
    }
}

/// Reads what there is of a body that is refused, within bounds. A client that asks before it sends the
/// body is not told to send it.
pub(super) async fn discard(headers: &HeaderMap, mut body: Body, limits: &BodyLimits) {
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

/// All of a body.
async fn collect(body: &mut Body, limits: &BodyLimits) -> Result<Read, Unread> {
    let first = next(body).await?.unwrap_or_default();
    // A body is one frame as a rule, which lies in the buffer of its connection and is used as it is.
    if body.is_end_stream() {
        return Ok(Read {
            bytes: first,
            _share: None,
        });
    }
    let size = match body.size_hint().exact() {
        Some(rest) => first
            .len()
            .saturating_add(usize::try_from(rest).unwrap_or(usize::MAX)),
        None => limits.size,
    };
    let share = if size <= FREE_OF_CHARGE {
        None
    } else {
        // All of it at once: bodies that grow into shares could all end up waiting for each other.
        let share = timeout(limits.time / 2, limits.in_flight.share(size)).await;
        Some(share.map_err(|_| Unread::Busy)?)
    };
    let mut joined = Vec::with_capacity(announced(body) + first.len());
    joined.extend_from_slice(&first);
    drop(first);
    while joined.len() <= limits.size {
        match next(body).await? {
            Some(data) => joined.extend_from_slice(&data),
            None => {
                return Ok(Read {
                    bytes: joined.into(),
                    _share: share,
                });
            }
        }
    }
    Err(Unread::TooLarge)
}

/// The next piece of a body, if there is one.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Unread> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Unread::CutShort)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
