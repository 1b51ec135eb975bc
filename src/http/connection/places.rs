//! The places for open connections: the slots, and the reserve until a slot is free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    reserve::Reserve,
    set::Entry,
    slots::Slots,
    timeouts::{Deadline, Timeouts},
};

#[derive(Debug)]
pub(super) struct Places {
    slots: Slots,
    reserve: Reserve,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) deadline: Arc<Deadline>,
    place: Mutex<Place>,
}

#[derive(Debug)]
struct Place {
    is_slot: bool,
    _entry: Entry,
}

impl Places {
    /// With slots for as many connections as `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: Slots::new(limit),
            reserve: Reserve::new(),
        }
    }

    /// Finds a place for a new connection.
    pub(super) async fn open(&self, timeouts: Timeouts) -> Connection {
        let (is_slot, set, slot) = match self.slots.try_take() {
            Some(slot) => (true, self.slots.connections(), slot),
            None => (false, self.reserve.connections(), self.reserve.take().await),
        };
        let deadline = Deadline::new(timeouts);
        let place = Place {
            is_slot,
            _entry: set.insert(&deadline, slot),
        };
        Connection {
            deadline,
            place: Mutex::new(place),
        }
    }

    /// Waits until there is a slot for a connection, which leaves the reserve for it.
    pub(super) async fn promote(&self, connection: &Connection) {
        if !self.slots.is_awaited() {
            self.reserve.goes_on();
        }
        let slot = self.slots.take().await;
        let connections = self.slots.connections();
        *connection.place() = Place {
            is_slot: true,
            _entry: connections.insert(&connection.deadline, slot),
        };
        self.reserve.goes_on();
    }

    /// Whether a connection waits for a slot.
    pub(super) fn is_slot_awaited(&self) -> bool {
        self.slots.is_awaited()
    }
}

impl Connection {
    /// Whether it may have any request answered. In the reserve, only probes are.
    pub(super) fn has_slot(&self) -> bool {
        self.place().is_slot
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
