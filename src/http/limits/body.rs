//! Reading a request body within bounds.

use std::{future::poll_fn, ops::Deref, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::memory::{Budget, Share};
use crate::http::problem::Problem;

/// How many bytes over the limit are read of a refused body and thrown away, so that a client that is
/// still sending hears the answer instead of a broken connection.
const OVERRUN: usize = 16 * 1024 * 1024;

/// Bytes of a body for which room is made at once where they are announced. For more an announcement is no
/// reason; but to move a body that outgrows its room costs a quarter of the time of an update of this size.
const ROOM: usize = 128 * 1024;

/// What request bodies may cost.
#[derive(Debug, Clone)]
pub(in crate::http) struct BodyLimits {
    /// Bytes of one.
    pub(in crate::http) size: usize,
    /// Time from the end of the headers to the end of the body.
    pub(in crate::http) time: Duration,
    /// Bytes of all that are read at a time.
    pub(in crate::http) in_flight: Budget,
}

/// A whole body, and its share of the memory for all.
pub(in crate::http) struct Read {
    bytes: Bytes,
    _share: Option<Share>,
}

impl Deref for Read {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body as it comes in: the one of hyper, or the one that axum boxed.
pub(in crate::http) trait Source: HttpBody<Data = Bytes> + Unpin {}

impl<B: HttpBody<Data = Bytes> + Unpin> Source for B {}

/// Why a body could not be read.
enum Unread {
    TooLarge,
    Broken,
    Busy,
}

/// Reads a whole body, whose headers were there at the time `begun`. What is seldom done is boxed, for a
/// request is moved with all the room that answering it could take.
///
/// # Errors
/// When it is too large, too slow, or ends too early, or when too much is being read at a time.
pub(in crate::http) async fn read(
    headers: &HeaderMap,
    mut body: impl Source,
    limits: &BodyLimits,
    begun: Instant,
) -> Result<Read, Problem> {
    let deadline = begun + limits.time;
    let read = if announced(&body) > limits.size {
        Some(Err(Unread::TooLarge))
    } else {
        within(deadline, collect(&mut body, limits)).await
    };
    let problem = match read {
        Some(Ok(read)) => return Ok(read),
        None => return Err(Problem::body_too_slow(limits.time)),
        Some(Err(Unread::Broken)) => return Err(Problem::body_broken()),
        Some(Err(Unread::Busy)) => Problem::busy(),
        Some(Err(Unread::TooLarge)) => Problem::body_too_large(limits.size),
    };
    Box::pin(discard_until(deadline, headers, body, limits)).await;
    Err(problem)
}

/// Reads what there is of a request that is refused, within bounds.
pub(in crate::http) async fn discard_request(request: Request, limits: &BodyLimits) {
    let (head, body) = request.into_parts();
    discard(&head.headers, body, limits).await;
}

/// Reads what there is of a body that is refused, within bounds.
pub(in crate::http) async fn discard(headers: &HeaderMap, body: impl Source, limits: &BodyLimits) {
    discard_until(Instant::now() + limits.time, headers, body, limits).await;
}

/// A client that asks before it sends the body is not told to send it.
async fn discard_until(
    deadline: Instant,
    headers: &HeaderMap,
    mut body: impl Source,
    limits: &BodyLimits,
) {
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
    within(deadline, reading).await;
}

/// The bytes that the headers say will come; 0 where they say nothing.
fn announced(body: &impl Source) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// What `future` gives, unless that takes until after `deadline`.
async fn within<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // Most bodies are there already. Only one that is not is worth a timer.
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => Box::pin(timeout_at(deadline, future)).await.ok(),
    }
}

/// All of a body.
async fn collect(body: &mut impl Source, limits: &BodyLimits) -> Result<Read, Unread> {
    let first = next(body).await?.unwrap_or_default();
    // A body is one frame as a rule, which lies in the buffer of its connection and is used as it is.
    if body.is_end_stream() {
        return Ok(Read {
            bytes: first,
            _share: None,
        });
    }
    Box::pin(join(first, body, limits)).await
}

/// All of a body in several pieces. Memory is taken with a share of it, which grows with what has arrived:
/// what is only announced takes nothing from others.
async fn join(first: Bytes, body: &mut impl Source, limits: &BodyLimits) -> Result<Read, Unread> {
    let mut share = limits.in_flight.share();
    let mut shared = 0;
    let announced = first.len() + announced(body);
    let mut joined = Vec::new();
    let mut more = Some(first);
    while let Some(data) = more {
        let size = joined.len() + data.len();
        if size > limits.size {
            return Err(Unread::TooLarge);
        }
        if size > shared {
            shared = size.next_power_of_two().min(limits.size);
            if !share.grow_to(shared) {
                return Err(Unread::Busy);
            }
        }
        if size > joined.capacity() {
            let room = room(size, announced).min(limits.size) - joined.len();
            joined.try_reserve_exact(room).map_err(|_| Unread::Busy)?;
        }
        joined.extend_from_slice(&data);
        drop(data);
        more = next(body).await?;
    }
    Ok(Read {
        bytes: joined.into(),
        _share: Some(share),
    })
}

/// Bytes of room to make for a body of which so much has arrived.
fn room(size: usize, announced: usize) -> usize {
    let ahead = 4 * size;
    if size <= announced {
        announced.min(ahead.max(ROOM))
    } else {
        ahead
    }
}

/// The next piece of a body, if there is one.
async fn next(body: &mut impl Source) -> Result<Option<Bytes>, Unread> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
