//! Reading a request body within limits.

use std::{error::Error, future::poll_fn, io, ops::Deref, pin::pin, task::Poll, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::memory::{MemoryBudget, Reservation};
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

/// A whole body, and the memory that is reserved for it.
#[derive(Debug)]
pub(in crate::http) struct WholeBody {
    bytes: Bytes,
    _reservation: Option<Reservation>,
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
    budget: &MemoryBudget,
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
async fn collect(
    body: &mut Body,
    limit: usize,
    budget: &MemoryBudget,
) -> Result<WholeBody, Problem> {
    let first = next(body).await?.unwrap_or_default();
    // A body is usually one frame, which lies in the buffer of its connection and is used as it is.
    if body.is_end_stream() {
        return Ok(WholeBody {
            bytes: first,
            _reservation: None,
        });
    }
    Box::pin(concatenate(first, body, limit, budget)).await
}

/// All of a body in several frames. The reservation grows with what has arrived: what is only declared takes no memory
/// from other requests.
async fn concatenate(
    first: Bytes,
    body: &mut Body,
    limit: usize,
    budget: &MemoryBudget,
) -> Result<WholeBody, Problem> {
    let mut reservation = budget.reservation();
    let mut reserved = 0;
    let declared = first.len() + declared_len(body);
    let mut whole = Vec::new();
    let mut frame = Some(first);
    while let Some(data) = frame {
        let size = whole.len() + data.len();
        if size > limit {
            return Err(Problem::BodyTooLarge { limit });
        }
        if size > reserved {
            reserved = size.next_power_of_two().min(limit);
            if !reservation.grow_to(reserved) {
                return Err(Problem::NoMemory);
            }
        }
        if size > whole.capacity() {
            let more = capacity_for(size, declared).min(limit) - whole.len();
            let allocated = whole.try_reserve_exact(more);
            allocated.map_err(|_| Problem::NoMemory)?;
        }
        whole.extend_from_slice(&data);
        drop(data);
        frame = next(body).await?;
    }
    Ok(WholeBody {
        bytes: whole.into(),
        _reservation: Some(reservation),
    })
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
