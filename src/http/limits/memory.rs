//! Bounds on the memory that many requests hold together.
//!
//! A budget makes no request wait and rejects none because of what others hold: when it is used up, the oldest holder
//! loses what it holds, at once. So clients that stop, or are slow, take memory from nobody, however many they are and
//! however they pretend to go on: what is sent and received at a usual speed is young. No rate has to be measured, and
//! no task has to run to free the memory.
//!
//! What the loss means is up to the holder. A response can often go on without ([`super::pieces`]); a body cannot.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    metrics::{Counter, Metrics},
    run::Outputs,
};

/// Bytes that are not counted: no more than a connection takes for its buffers anyway. So an ordinary update is
/// accepted and a short response sent, however much is in flight.
pub(in crate::http) const UNMETERED: usize = 8 * 1024;

/// The memory for what is in flight. Each kind has its own budget, so that none takes from another.
#[derive(Debug)]
pub(in crate::http) struct MemoryBudgets {
    /// Request bodies that are arriving.
    pub(in crate::http) bodies: MemoryBudget<Vec<u8>>,
    /// Outputs in responses that are being sent.
    pub(in crate::http) responses: MemoryBudget<Outputs>,
    /// Outputs in events that are being sent.
    pub(in crate::http) streams: MemoryBudget<Outputs>,
}

impl MemoryBudgets {
    /// Budgets of which one body of `max_body` bytes always fits.
    pub(in crate::http) fn new(max_in_flight: usize, max_body: usize, metrics: &Metrics) -> Self {
        Self {
            bodies: MemoryBudget::new(max_in_flight.max(max_body), metrics.revoked("body")),
            responses: MemoryBudget::new(max_in_flight, metrics.revoked("response")),
            streams: MemoryBudget::new(max_in_flight / 2, metrics.revoked("event")),
        }
    }
}

/// Bytes of memory that values of one kind may take together.
#[derive(Debug)]
pub(in crate::http) struct MemoryBudget<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    limit: usize,
    revoked: Counter,
    holders: Mutex<Holders<T>>,
}

#[derive(Debug)]
struct Holders<T> {
    /// Bytes that are counted.
    used: usize,
    next_key: u64,
    /// Those that can lose their value. The key of the oldest is the least.
    revocable: BTreeMap<u64, (usize, Slot<T>)>,
}

/// A value, until it is revoked or taken. It has a lock of its own, so that to work with it blocks no other holder.
type Slot<T> = Arc<Mutex<Option<T>>>;

impl<T> MemoryBudget<T> {
    fn new(limit: usize, revoked: Counter) -> Self {
        Self(Arc::new(Shared {
            limit,
            revoked,
            holders: Mutex::new(Holders {
                used: 0,
                next_key: 0,
                revocable: BTreeMap::new(),
            }),
        }))
    }

    /// Bytes that are counted.
    pub(in crate::http) fn used(&self) -> usize {
        self.0.holders().used
    }

    /// Holds a value, of which no bytes are counted yet.
    pub(in crate::http) fn hold(&self, value: T) -> Held<T> {
        Held {
            budget: Arc::clone(&self.0),
            slot: Arc::new(Mutex::new(Some(value))),
            key: None,
            taken: 0,
        }
    }
}

impl<T> Shared<T> {
    fn holders(&self) -> MutexGuard<'_, Holders<T>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the values of the oldest holders, but not that of `key`, until the budget is not exceeded. Returns whether
    /// it is still exceeded.
    fn revoke_oldest(&self, mut holders: MutexGuard<'_, Holders<T>>, key: u64) -> bool {
        let mut revoked = Vec::new();
        while holders.used > self.limit {
            let oldest = holders.revocable.keys().find(|&&other| other != key);
            let Some((bytes, slot)) = oldest
                .copied()
                .and_then(|oldest| holders.revocable.remove(&oldest))
            else {
                break;
            };
            holders.used -= bytes;
            revoked.push(slot);
        }
        let is_exceeded = holders.used > self.limit;
        drop(holders);
        for slot in revoked {
            self.revoked.inc();
            drop(lock(&slot).take());
        }
        is_exceeded
    }
}

/// A value that counts towards a budget until this is dropped. The budget may revoke it.
#[derive(Debug)]
pub(in crate::http) struct Held<T> {
    budget: Arc<Shared<T>>,
    slot: Slot<T>,
    /// Its key among those that can lose their value, once it is counted.
    key: Option<u64>,
    /// Bytes that are counted of a value that was taken.
    taken: usize,
}

impl<T> Held<T> {
    /// Counts `bytes` in all, for which the oldest of the others lose their values. More than the whole budget counts as
    /// the whole budget. Returns whether the value is still there.
    #[must_use]
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= UNMETERED {
            return true;
        }
        let bytes = bytes.min(self.budget.limit);
        let mut holders = self.budget.holders();
        let key = if let Some(key) = self.key {
            let Some((counted, _)) = holders.revocable.get_mut(&key) else {
                return false;
            };
            let before = mem::replace(counted, bytes.max(*counted));
            holders.used += bytes.saturating_sub(before);
            key
        } else {
            let key = holders.next_key;
            holders.next_key += 1;
            holders.used += bytes;
            let slot = Arc::clone(&self.slot);
            holders.revocable.insert(key, (bytes, slot));
            *self.key.insert(key)
        };
        let is_exceeded = self.budget.revoke_oldest(holders, key);
        if is_exceeded {
            // What was taken uses up the budget.
            self.give_up();
        }
        !is_exceeded
    }

    /// Works with the value; `None` if it was revoked.
    pub(in crate::http) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        lock(&self.slot).as_mut().map(work)
    }

    /// The value, unless it was revoked. From now on it cannot be, and its bytes stay counted.
    pub(in crate::http) fn take(&mut self) -> Option<T> {
        if let Some(key) = self.key {
            let (bytes, _) = self.budget.holders().revocable.remove(&key)?;
            self.taken = bytes;
        }
        lock(&self.slot).take()
    }

    fn give_up(&mut self) {
        lock(&self.slot).take();
        let Some(key) = self.key else { return };
        let mut holders = self.budget.holders();
        let counted = holders.revocable.remove(&key).map(|(bytes, _)| bytes);
        holders.used -= counted.unwrap_or(0) + mem::take(&mut self.taken);
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn lock<T>(slot: &Mutex<Option<T>>) -> MutexGuard<'_, Option<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn budget(kibs: usize) -> MemoryBudget<&'static str> {
        MemoryBudget::new(kibs * KIB, Metrics::new().revoked("body"))
    }

    fn held(budget: &MemoryBudget<&'static str>, kibs: usize) -> Held<&'static str> {
        let mut held = budget.hold("value");
        assert!(held.grow_to(kibs * KIB));
        held
    }

    fn is_there(held: &Held<&'static str>) -> bool {
        held.with(|_| ()).is_some()
    }

    #[test]
    fn the_oldest_lose_what_they_hold_and_only_as_many_as_needed() {
        let budget = budget(100);
        let old = [held(&budget, 40), held(&budget, 40)];
        let mut new = held(&budget, 60);
        assert_eq!(old.each_ref().map(is_there), [false, true]);
        assert_eq!(budget.used(), 100 * KIB);
        assert!(new.grow_to(61 * KIB));
        assert_eq!(old.each_ref().map(is_there), [false, false]);
        assert!(is_there(&new));
        assert_eq!(budget.0.revoked.get(), 2);
        drop((old, new));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_oldest_itself_may_grow_and_takes_from_the_next() {
        let budget = budget(100);
        let mut oldest = held(&budget, 40);
        let next = held(&budget, 40);
        assert!(oldest.grow_to(1_000 * KIB), "all there is");
        assert!(is_there(&oldest) && !is_there(&next));
        assert_eq!(budget.used(), 100 * KIB);
    }

    #[test]
    fn what_was_revoked_cannot_grow_and_frees_nothing_twice() {
        let budget = budget(100);
        let mut old = held(&budget, 60);
        let new = held(&budget, 60);
        assert!(!old.grow_to(70 * KIB) && old.take().is_none());
        drop(old);
        assert_eq!(budget.used(), 60 * KIB);
        drop(new);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn small_values_are_not_counted_and_never_revoked() {
        let budget = budget(100);
        let small = held(&budget, UNMETERED / KIB);
        assert_eq!(budget.used(), 0);
        let _large = [held(&budget, 100), held(&budget, 100)];
        assert!(is_there(&small));
    }

    #[test]
    fn what_was_taken_stays_counted_and_is_not_revoked() {
        let budget = budget(100);
        let mut whole = held(&budget, 60);
        assert_eq!(whole.take(), Some("value"));
        let mut other = budget.hold("value");
        assert!(!other.grow_to(50 * KIB) && !is_there(&other));
        assert_eq!(budget.used(), 60 * KIB);
        drop(whole);
        assert!(is_there(&held(&budget, 100)));
        assert_eq!(budget.used(), 0);
    }
}
