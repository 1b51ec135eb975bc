//! The runs in memory, limited in number, bytes and age. Everything that is shown is read from here.

mod changes;
mod entry;
mod filter;
mod gaps;
mod listing;
mod page;
mod runs;
#[cfg(test)]
mod tests;
mod timeline;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use strum::{IntoStaticStr, VariantArray};

pub use self::{
    changes::{
        Revision,
        follower::Follower,
        next::{Next, SnapshotReason},
        watch::{RunWatch, WatchedNow},
    },
    filter::Filter,
    listing::{Counts, Position},
    page::{Page, PageSearch},
    runs::Origin,
};
use self::{
    changes::{follower::Step, watch::Watchers},
    entry::RUN_OVERHEAD,
    gaps::Gaps,
    runs::Runs,
};
use crate::{
    metrics::{Counter, Metrics},
    run::{Merged, Run, RunId, Timestamp, Update},
};

/// What the store may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Runs, at least 1.
    pub runs: usize,
    /// Bytes of memory for all runs together, estimated.
    pub bytes: usize,
    /// Time since the last update of a run.
    pub retention: Duration,
    /// Changes that a stream may be behind.
    pub backlog: usize,
}

impl Limits {
    /// Bytes of memory that the outputs of one run may take: a sixteenth of all, so that no run can push out every
    /// other.
    const fn output_bytes(&self) -> usize {
        self.bytes / 16
    }
}

/// Why a run is evicted.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum EvictionCause {
    MaxRuns,
    MaxBytes,
    Retention,
}

/// The time between two removals of expired runs.
#[must_use]
pub fn sweep_interval(retention: Duration) -> Duration {
    retention.min(Duration::from_mins(1))
}

/// Runs that are evicted at a time, so that the lock is held for microseconds.
const EVICTION_BATCH: usize = 256;

/// The runs.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    // One plain lock for all: it is held for microseconds, and never across an await. An update with large outputs holds
    // it longer, to compare them with the known ones, to copy them and to free what they replace: a body of 4 MiB for 1 to
    // 20 ms. What a reader takes from under it is small or shared, so that serialising happens outside.
    runs: Mutex<Runs>,
    gaps: Gaps,
    /// One for each cause.
    evictions: Vec<Counter>,
    watchers: Arc<Watchers>,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Runs.
    pub runs: usize,
    /// Bytes of memory they take, estimated.
    pub bytes: usize,
}

impl Store {
    /// An empty store. It reserves room for as many runs as it may hold: an update that had to move them all to
    /// a larger place would take long.
    #[must_use]
    pub fn new(limits: Limits, metrics: &Metrics) -> Self {
        let capacity = limits.runs.min(limits.bytes / RUN_OVERHEAD);
        Self {
            limits,
            runs: Mutex::new(Runs::new(capacity, limits.backlog)),
            gaps: Gaps::default(),
            evictions: EvictionCause::VARIANTS
                .iter()
                .map(|&cause| metrics.evictions(cause.into()))
                .collect(),
            watchers: Arc::default(),
        }
    }

    /// Merges `update`, received `at` this time, into the run it is about. Evicts other runs where there is no
    /// room for it.
    pub fn apply(&self, run_id: RunId, update: &Update<'_>, at: Timestamp) -> Merged {
        self.change(run_id, update.outputs.memory(), |runs| {
            runs.apply(run_id, update, at, self.limits.output_bytes())
        })
    }

    /// Replaces a run by what it became, or adds it. `new_bytes` of it were not in memory before. Evicts other runs where
    /// there is no room for it.
    pub fn put(&self, run: &Run, origin: Origin, new_bytes: usize) {
        self.change(run.id(), new_bytes, |runs| runs.put(run, origin));
    }

    fn change<T>(&self, run_id: RunId, new_bytes: usize, change: impl FnOnce(&mut Runs) -> T) -> T {
        let mut runs = self.lock();
        let changed = change(&mut runs);
        let is_too_full = self.exceeded(&runs).is_some();
        drop(runs);
        self.watchers.notify(run_id);
        if is_too_full {
            self.evict_all_exceeding();
        }
        if self.gaps.count(new_bytes) {
            self.make_up_for_gaps();
        }
        changed
    }

    /// Adds a run that was updated before all others in the store, if there is room for it. Returns whether there was.
    pub fn restore(&self, run: Run) -> bool {
        let mut runs = self.lock();
        runs.add_least_recently_updated(run);
        let has_room = self.exceeded(&runs).is_none();
        if !has_room {
            runs.pop_least_recently_updated();
        }
        has_room
    }

    /// Removes a run that was removed from where it is kept.
    pub fn remove(&self, run_id: RunId) {
        let removed = self.lock().remove(run_id);
        if removed.is_some() {
            self.evictions[EvictionCause::Retention as usize].inc();
        }
        // Streams may show a run that is not in the store.
        self.watchers.notify(run_id);
    }

    /// Bytes of memory that the outputs of one run may take.
    #[must_use]
    pub const fn max_output_bytes(&self) -> usize {
        self.limits.output_bytes()
    }

    fn evict_all_exceeding(&self) {
        while self.evict(|runs| self.exceeded(runs)) {}
    }

    /// Evicts runs until the others and the gaps between them are within the limit. A run that is evicted may leave
    /// another gap, so these are measured again and again.
    fn make_up_for_gaps(&self) {
        let is_too_full = || {
            self.gaps.measure();
            let runs = self.lock();
            runs.len() > 0 && self.exceeded(&runs).is_some()
        };
        while is_too_full() {
            self.evict_all_exceeding();
        }
    }

    /// Evicts some of the runs that were last updated longer ago than the retention time, as far as the calls before this
    /// one tell. Says whether there may be more.
    pub fn expire(&self, now: Instant) -> bool {
        let expired = self.lock().expired(now, self.limits.retention);
        self.evict(|runs| {
            let entry = runs.least_recently_updated()?;
            (entry.revision <= expired).then_some(EvictionCause::Retention)
        })
    }

    /// The limit that the runs exceed, if they do. Spare nodes and gaps count like runs.
    fn exceeded(&self, runs: &Runs) -> Option<EvictionCause> {
        let bytes = runs.bytes() + runs.spare_bytes() + self.gaps.bytes();
        if runs.len() > self.limits.runs {
            Some(EvictionCause::MaxRuns)
        } else if bytes > self.limits.bytes {
            Some(EvictionCause::MaxBytes)
        } else {
            None
        }
    }

    /// Evicts the least recently updated runs while there is a `cause`, a batch of them at most. They are freed
    /// outside the lock. Says whether there may be more.
    fn evict(&self, cause: impl Fn(&Runs) -> Option<EvictionCause>) -> bool {
        let mut evicted = Vec::new();
        let mut runs = self.lock();
        while evicted.len() < EVICTION_BATCH
            && let Some(cause) = cause(&runs)
            && let Some(run) = runs.pop_least_recently_updated()
        {
            evicted.push((run, cause));
        }
        drop(runs);
        for (run, cause) in &evicted {
            self.evictions[*cause as usize].inc();
            self.watchers.notify(run.id());
        }
        evicted.len() == EVICTION_BATCH
    }

    /// The run, if it is known.
    #[must_use]
    pub fn get(&self, run_id: RunId) -> Option<Run> {
        let runs = self.lock();
        runs.get(run_id).map(|entry| entry.run.clone())
    }

    /// Takes one step of a search. Returns the page once it is complete.
    pub fn search(&self, search: &mut PageSearch) -> Option<Page> {
        search.step(&self.lock())
    }

    /// Follows the runs of `filter`: first a snapshot of at most the `limit` newest, sent for this `reason`, then every
    /// change.
    #[must_use]
    pub fn follow(&self, filter: Filter, limit: usize, reason: SnapshotReason) -> Follower {
        let any_change = self.watchers.subscribe();
        Follower::new(filter, limit, Step::Snapshot(reason), any_change)
    }

    /// The same for a client that knows all up to `since`. It gets a snapshot only if it missed too much.
    #[must_use]
    pub fn resume(&self, filter: Filter, limit: usize, since: Revision) -> Follower {
        let any_change = self.watchers.subscribe();
        Follower::new(filter, limit, Step::Changes(since), any_change)
    }

    /// What `follower` gets next. When it is up to date, [`Follower::changed`] waits for more.
    pub fn next(&self, follower: &mut Follower) -> Next {
        follower.next(&self.lock())
    }

    /// Watches a run, which need not be known yet.
    #[must_use]
    pub fn watch(&self, run_id: RunId) -> RunWatch {
        self.watchers.watch(run_id)
    }

    /// The run that is watched, as it is now; `None` if it is not known. [`RunWatch::changed`] waits for the next
    /// change.
    pub fn look(&self, watch: &mut RunWatch) -> Option<WatchedNow> {
        watch.mark_seen();
        let runs = self.lock();
        let entry = runs.get(watch.run_id())?;
        Some(WatchedNow {
            run: entry.run.clone(),
            revision: entry.revision,
            added: entry.added,
        })
    }

    /// How many runs there are of each status.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts()
    }

    /// What the store holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let runs = self.lock();
        Usage {
            runs: runs.len(),
            bytes: runs.bytes(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        // Nothing under the lock panics but by running out of memory, which aborts.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
