//! Bounds on the memory that many requests hold together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that need no reservation: no more than a connection takes for its buffers anyway. So an ordinary update is
/// accepted and a short response sent, however much is in flight.
pub(in crate::http) const UNMETERED: usize = 8 * 1024;

/// Memory is reserved in units of this many bytes: a semaphore counts to 2^32 at once.
const UNIT: usize = 1024;

/// The memory for what is in flight. Each kind has its own budget, so that none starves another.
#[derive(Debug)]
pub(in crate::http) struct MemoryBudgets {
    /// Request bodies that are arriving.
    pub(in crate::http) bodies: MemoryBudget,
    /// Responses that are being sent.
    pub(in crate::http) responses: MemoryBudget,
    /// Events that are being sent.
    pub(in crate::http) streams: MemoryBudget,
}

impl MemoryBudgets {
    /// Budgets of which one body of `max_body` bytes always fits.
    pub(in crate::http) fn new(max_in_flight: usize, max_body: usize) -> Self {
        Self {
            bodies: MemoryBudget::new(max_in_flight.max(max_body)),
            responses: MemoryBudget::new(max_in_flight),
            streams: MemoryBudget::new(max_in_flight / 2),
        }
    }
}

/// Bytes of memory that can be reserved.
#[derive(Debug, Clone)]
pub(in crate::http) struct MemoryBudget {
    free: Arc<Semaphore>,
    units: u32,
}

impl MemoryBudget {
    fn new(bytes: usize) -> Self {
        let units = units(bytes);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Bytes that are reserved.
    pub(in crate::http) fn used(&self) -> usize {
        (self.units as usize - self.free.available_permits()) * UNIT
    }

    /// A reservation of nothing, to begin with.
    pub(in crate::http) fn reservation(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            permit: None,
        }
    }

    /// A reservation of `bytes`, as soon as they are free. The caller must hold no other: two that wait for each other
    /// would wait for ever.
    pub(in crate::http) async fn reserve(&self, bytes: usize) -> Reservation {
        let mut reservation = self.reservation();
        if bytes > UNMETERED {
            let units = units(bytes).min(self.units);
            let permit = Arc::clone(&self.free).acquire_many_owned(units).await;
            reservation.permit = Some(permit.expect("the semaphore is never closed"));
        }
        reservation
    }
}

/// Some bytes of a budget, given back when this is dropped.
#[derive(Debug)]
pub(in crate::http) struct Reservation {
    budget: MemoryBudget,
    permit: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// Reserves `bytes` in all, if they are free now. If that exceeds the budget, the whole budget is reserved.
    #[must_use]
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= UNMETERED {
            return true;
        }
        let held = self
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = (units(bytes).min(self.budget.units) as usize).saturating_sub(held);
        let more = u32::try_from(more).expect("no more than the budget has");
        let free = Arc::clone(&self.budget.free);
        match (free.try_acquire_many_owned(more), &mut self.permit) {
            (Ok(more), Some(permit)) => permit.merge(more),
            (Ok(all), permit) => *permit = Some(all),
            (Err(_), _) => return false,
        }
        true
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_reservation_waits_until_its_bytes_are_free() {
        let budget = MemoryBudget::new(100 * UNIT);
        let all = budget.reserve(1_000 * UNIT).await;
        assert_eq!(budget.used(), 100 * UNIT);
        assert!(budget.reserve(UNMETERED).await.permit.is_none());
        let mut given_up = Box::pin(budget.reserve(60 * UNIT));
        assert!((&mut given_up).now_or_never().is_none());
        drop(given_up);
        let waiting = budget.reserve(60 * UNIT);
        let (reservation, ()) = tokio::join!(waiting, async { drop(all) });
        assert_eq!(budget.used(), 60 * UNIT);
        drop(reservation);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn reservations_grow_until_the_budget_is_used_up_and_free_it_when_they_are_dropped() {
        let budget = MemoryBudget::new(100 * UNIT);
        let (mut one, mut other) = (budget.reservation(), budget.reservation());
        assert!(one.grow_to(50 * UNIT) && other.grow_to(40 * UNIT));
        assert!(one.grow_to(60 * UNIT) && !one.grow_to(61 * UNIT));
        assert!(other.grow_to(UNMETERED), "this needs no reservation");
        drop(one);
        assert!(other.grow_to(1_000 * UNIT), "all there is");
        assert!(!budget.reservation().grow_to(9 * UNIT));
        drop(other);
        assert!(budget.reservation().grow_to(100 * UNIT));
    }
}
