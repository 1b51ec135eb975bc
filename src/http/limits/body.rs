//! Reading a request body within limits.

use std::{error::Error, future::poll_fn, io, ops::Deref, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::memory::{Held, MemoryBudget};
use crate::http::problem::Problem;

/// Bytes over the limit that are read of a rejected body and dropped, so that a client that is still sending reads
/// the response instead of a broken connection.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;

/// Bytes that are allocated at once for a body whose length is declared. More is not allocated only because the client
/// declared it; but to move a growing body costs a quarter of the time of an update of this size.
const MAX_PREALLOC: usize = 128 * 1024;

/// Limits of one request body.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct BodyLimits {
    /// Bytes.
    pub(in crate::http) size: usize,
    /// Time from the end of the headers to the end of the body.
    pub(in crate::http) time: Duration,
}

/// The budget of the bodies that are arriving. The oldest of them is cut off when it is used up: clients that send half
/// of a body, or send it slowly, keep no other update out.
type BodyBudget = MemoryBudget<Vec<u8>>;

/// A whole body, whose memory is counted until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct WholeBody {
    bytes: Bytes,
    reservation: Option<Held<Vec<u8>>>,
}

impl WholeBody {
    /// Drops the body. Its memory is counted until this is dropped, too.
    pub(in crate::http) fn into_reservation(self) -> impl Sized {
        self.reservation
    }
}

impl Deref for WholeBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a whole body, whose headers have just arrived.
///
/// # Errors
/// When it is too large, too slow, or ends too early, or when the budget is used up.
pub(in crate::http) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limits: BodyLimits,
    budget: &BodyBudget,
) -> Result<WholeBody, Problem> {
    let limit = limits.size;
    let deadline = Instant::now() + limits.time;
    let read = if declared_len(&body) > limit {
        Some(Err(Problem::BodyTooLarge { limit }))
    } else {
        within(deadline, collect(&mut body, limit, budget)).await
    };
    match read {
        None => Err(Problem::BodyTooSlow { limit: limits.time }),
        Some(Err(problem @ (Problem::BodyTooLarge { .. } | Problem::NoMemory))) => {
            // Seldom done, so boxed: a request is moved with all the space that its handler could need.
            Box::pin(drain_until(deadline, headers, body, limits)).await;
            Err(problem)
        }
        Some(read) => read,
    }
}

/// Reads the body of a rejected request within limits, and drops it. Returns whether it ended without data.
pub(in crate::http) async fn drain(headers: &HeaderMap, body: Body, limits: BodyLimits) -> bool {
    drain_until(Instant::now() + limits.time, headers, body, limits).await
}

/// If the client sent `Expect: 100-continue`, the body is not asked for.
async fn drain_until(
    deadline: Instant,
    headers: &HeaderMap,
    mut body: Body,
    limits: BodyLimits,
) -> bool {
    let most = limits.size + DRAIN_LIMIT;
    if headers.contains_key(header::EXPECT) || declared_len(&body) > most {
        return false;
    }
    let reading = async {
        let mut size = 0;
        while size <= most {
            match next(&mut body).await {
                Ok(Some(data)) => size += data.len(),
                Ok(None) => return size == 0,
                Err(_) => break,
            }
        }
        false
    };
    within(deadline, reading).await.unwrap_or(false)
}

/// The bytes that the headers say will come; 0 where they say nothing.
fn declared_len(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// The output of `future`, unless it takes until after `deadline`.
async fn within<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // Most bodies have arrived with their headers. Only a slower one is worth a timer.
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => Box::pin(timeout_at(deadline, future)).await.ok(),
    }
}

/// All of a body.
async fn collect(body: &mut Body, limit: usize, budget: &BodyBudget) -> Result<WholeBody, Problem> {
    let first = next(body).await?.unwrap_or_default();
    // A body is usually one frame, which lies in the buffer of its connection and is used as it is.
    if body.is_end_stream() {
        return Ok(WholeBody {
            bytes: first,
            reservation: None,
        });
    }
    Box::pin(concatenate(first, body, limit, budget)).await
}

/// All of a body in several frames. What is allocated is counted, which is not all that is declared.
async fn concatenate(
    first: Bytes,
    body: &mut Body,
    limit: usize,
    budget: &BodyBudget,
) -> Result<WholeBody, Problem> {
    let mut whole = budget.hold(Vec::new());
    let (mut size, mut capacity) = (0, 0);
    let declared = first.len() + declared_len(body);
    let mut frame = Some(first);
    while let Some(data) = frame {
        size += data.len();
        if size > limit {
            return Err(Problem::BodyTooLarge { limit });
        }
        if size > capacity {
            capacity = capacity_for(size, declared).min(limit);
            if !whole.grow_to(capacity) {
                return Err(Problem::NoMemory);
            }
        }
        let appended = whole.with(|whole| append(whole, &data, capacity));
        if appended != Some(true) {
            return Err(Problem::NoMemory);
        }
        drop(data);
        frame = next(body).await?;
    }
    Ok(WholeBody {
        bytes: whole.take().ok_or(Problem::NoMemory)?.into(),
        reservation: Some(whole),
    })
}

/// Appends `data` to what has this `capacity` at least. Returns whether there is memory for that.
fn append(whole: &mut Vec<u8>, data: &[u8], capacity: usize) -> bool {
    let has_room = whole.try_reserve_exact(capacity - whole.len()).is_ok();
    if has_room {
        whole.extend_from_slice(data);
    }
    has_room
}

/// Bytes to allocate for a body of which `size` have arrived.
fn capacity_for(size: usize, declared: usize) -> usize {
    let ahead = 4 * size;
    if size <= declared {
        declared.min(ahead.max(MAX_PREALLOC))
    } else {
        ahead
    }
}

/// The data of the next frame, if there is one.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| why_incomplete(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// hyper reports chunks that it cannot read as invalid input or data, and anything else as an error of the connection.
fn why_incomplete(error: &axum::Error) -> Problem {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        {
            return Problem::MalformedChunks;
        }
        cause = error.source();
    }
    Problem::BodyIncomplete
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    #[test]
    fn a_declared_length_is_allocated_at_once_only_while_it_is_small() {
        for (arrived, declared, allocated) in [
            (KIB, 100 * KIB, 100 * KIB),
            (KIB, 4_096 * KIB, MAX_PREALLOC),
            (64 * KIB, 4_096 * KIB, 256 * KIB),
            (2_000 * KIB, 4_096 * KIB, 4_096 * KIB),
            (KIB, 0, 4 * KIB),
        ] {
            assert_eq!(capacity_for(arrived, declared), allocated, "{arrived}");
        }
    }
}
