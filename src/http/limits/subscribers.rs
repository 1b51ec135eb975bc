//! Those who wait for changes, bounded in number: each keeps a connection for long.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::{Pace, Pacer};
use crate::http::problem::Problem;

/// How many may wait at a time.
#[derive(Debug)]
pub(in crate::http) struct Subscribers {
    slots: Arc<Semaphore>,
    most: usize,
    pacer: Arc<Pacer>,
}

/// One of them, as long as it is held.
#[derive(Debug)]
pub(in crate::http) struct Subscriber {
    pub(in crate::http) pace: Pace,
    _slot: OwnedSemaphorePermit,
}

impl Subscribers {
    pub(in crate::http) fn new(most: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most)),
            most,
            pacer: Pacer::new(),
        }
    }

    /// # Errors
    /// When there are as many as there may be.
    pub(in crate::http) fn join(&self) -> Result<Subscriber, Problem> {
        let slot = Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_| Problem::too_many_subscribers())?;
        Ok(Subscriber {
            pace: self.pacer.pace(),
            _slot: slot,
        })
    }

    pub(in crate::http) fn count(&self) -> usize {
        self.most - self.slots.available_permits()
    }
}
