//! A bound on the memory that many requests hold together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that need no share: no more than a connection takes for its buffers anyway. So an ordinary
/// update is taken and a short answer given, however much is in flight.
pub(super) const FREE_OF_CHARGE: usize = 16 * 1024;

/// Memory is given out in pieces of so many bytes: a semaphore counts to 2^32 at once.
const PIECE: usize = 1024;

/// Bytes of memory to hold, given out in shares.
#[derive(Debug, Clone)]
pub struct Budget {
    pieces: Arc<Semaphore>,
    all: u32,
}

/// Some of the bytes, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    _pieces: OwnedSemaphorePermit,
}

impl Budget {
    /// So many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let all = pieces(bytes);
        Self {
            pieces: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// A share for `bytes`, once there is one; those who ask first are served first. Who needs more than
    /// there is gets all there is.
    pub(super) async fn share(&self, bytes: usize) -> Share {
        let permit = Arc::clone(&self.pieces)
            .acquire_many_owned(pieces(bytes).min(self.all))
            .await;
        Share {
            _pieces: permit.expect("the semaphore is never closed"),
        }
    }

    /// A share for `bytes`, if there is one now.
    pub(super) fn share_now(&self, bytes: usize) -> Option<Share> {
        let permit = Arc::clone(&self.pieces).try_acquire_many_owned(pieces(bytes).min(self.all));
        permit.ok().map(|pieces| Share { _pieces: pieces })
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX)
}
