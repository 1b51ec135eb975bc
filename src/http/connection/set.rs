//! Open connections, up to a limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::timeouts::Deadline;

#[derive(Debug)]
pub(super) struct ConnectionSet {
    slots: Arc<Semaphore>,
    open: Mutex<Slab<Arc<Deadline>>>,
}

/// The right to be one of the connections of a set.
pub(super) type Slot = OwnedSemaphorePermit;

/// One of the connections of a set, until it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    set: Arc<ConnectionSet>,
    key: usize,
    _slot: Slot,
}

impl ConnectionSet {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(limit)),
            open: Mutex::default(),
        })
    }

    /// A slot, if one is free and no connection waits for it.
    pub(super) fn try_take(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// A slot, once one is free. The first that asks is the first that gets it.
    pub(super) async fn take(&self) -> Slot {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.expect("the semaphore is never closed")
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots.available_permits() == 0
    }

    pub(super) fn insert(self: &Arc<Self>, connection: &Arc<Deadline>, slot: Slot) -> Entry {
        Entry {
            key: self.open().insert(Arc::clone(connection)),
            set: Arc::clone(self),
            _slot: slot,
        }
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Slab<Arc<Deadline>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.set.open().remove(self.key);
    }
}
