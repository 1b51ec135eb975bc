//! Those who wait for changes, bounded in number: each keeps a connection for long.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// How many may wait at a time.
#[derive(Debug)]
pub(super) struct Subscribers {
    slots: Arc<Semaphore>,
    most: usize,
}

/// One of them, as long as it is held.
#[derive(Debug)]
pub(super) struct Subscriber(#[expect(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Subscribers {
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    /// # Errors
    /// When there are as many as there may be.
    pub(super) fn join(&self) -> Result<Subscriber, Problem> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        slot.map(Subscriber)
            .map_err(|_| Problem::too_many_subscribers())
    }

    pub(super) fn count(&self) -> usize {
        self.most - self.slots.available_permits()
    }
}
