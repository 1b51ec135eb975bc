//! Subscribers: streams and requests that wait for a run. Each keeps a connection for long, so their number is bounded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::{SharedLimit, StreamLimit};
use crate::http::problem::Problem;

/// The slots for subscribers, and what they share.
#[derive(Debug)]
pub(in crate::http) struct Subscribers {
    slots: Arc<Semaphore>,
    max: usize,
    rate: Arc<SharedLimit>,
}

/// One subscriber. Its slot is free again when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct Subscriber {
    pub(in crate::http) rate: StreamLimit,
    _slot: OwnedSemaphorePermit,
}

impl Subscribers {
    pub(in crate::http) fn new(max: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(max)),
            max,
            rate: SharedLimit::new(),
        }
    }

    /// # Errors
    /// When no slot is free.
    pub(in crate::http) fn subscribe(&self) -> Result<Subscriber, Problem> {
        let slot = Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_| Problem::TooManySubscribers)?;
        Ok(Subscriber {
            rate: self.rate.stream(),
            _slot: slot,
        })
    }

    pub(in crate::http) fn count(&self) -> usize {
        self.max - self.slots.available_permits()
    }
}
