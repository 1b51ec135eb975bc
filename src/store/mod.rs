//! The runs in memory: bounded by number, by bytes and by age, and the only thing that is read.

mod by_id;
mod changes;
mod entry;
mod listing;
mod lru;
mod runs;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::futures::Notified;

use self::{changes::watch::Watchers, entry::RUN_OVERHEAD, runs::Runs};
pub use self::{
    changes::{
        Revision,
        follower::{Cause, Follower, Next},
        watch::Watch,
    },
    entry::RunTooLarge,
    listing::{Counts, Position},
    runs::{Merged, Page},
};
use crate::{
    metrics::{Counter, Metrics},
    run::{Run, RunId, Status, Timestamp, Update},
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
    /// Changes that a subscriber may be behind.
    pub changes: usize,
}

impl Limits {
    /// Bytes of memory that one run may take: a sixteenth of all, so that no run can push out every
    /// other.
    const fn run_bytes(&self) -> usize {
        self.bytes / 16
    }
}

/// How many runs are dropped at the most while the lock is held, so that it is held for microseconds.
const BATCH: usize = 256;

/// The runs.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    // One plain lock for all: it is held for microseconds (for as long as it takes to copy the outputs
    // of a large update), never across an await, and what a reader takes from under it is small or shared,
    // so that serialising happens outside.
    runs: Mutex<Runs>,
    evicted: Evicted,
    watchers: Arc<Watchers>,
}

/// How many runs were dropped, by what was reached.
#[derive(Debug)]
struct Evicted {
    runs: Counter,
    bytes: Counter,
    retention: Counter,
}

/// A run, and the revision that made it so.
pub type Watched = (Revision, Run);

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Runs.
    pub runs: usize,
    /// Bytes of memory they take, estimated.
    pub bytes: usize,
}

impl Store {
    /// An empty store, with room for as many runs as it may hold: moving them all would make one update
    /// wait.
    #[must_use]
    pub fn new(limits: Limits, metrics: &Metrics) -> Self {
        let most = limits.runs.min(limits.bytes / RUN_OVERHEAD);
        Self {
            limits,
            runs: Mutex::new(Runs::with_capacity(most, limits.changes)),
            evicted: Evicted {
                runs: metrics.evictions("max_runs"),
                bytes: metrics.evictions("max_bytes"),
                retention: metrics.evictions("retention"),
            },
            watchers: Arc::default(),
        }
    }

    /// Merges `update`, received `at` this time, into the run it is about, and makes room for it.
    ///
    /// # Errors
    /// When the run would become too large; the store is unchanged then.
    pub fn merge(
        &self,
        run_id: RunId,
        update: &Update<'_>,
        at: Timestamp,
    ) -> Result<Merged, RunTooLarge> {
        let mut runs = self.lock();
        let merged = runs.merge(run_id, update, at, self.limits.run_bytes())?;
        let mut may_be_more = self.evict(runs, |runs| self.reached(runs));
        self.watchers.tell(run_id);
        while may_be_more {
            may_be_more = self.evict(self.lock(), |runs| self.reached(runs));
        }
        Ok(merged)
    }

    /// The bound that the runs are over, if they are.
    fn reached(&self, runs: &Runs) -> Option<&Counter> {
        if runs.len() > self.limits.runs {
            Some(&self.evicted.runs)
        } else if runs.bytes() > self.limits.bytes {
            Some(&self.evicted.bytes)
        } else {
            None
        }
    }

    /// Drops the least recently updated runs while a bound is `reached`, and counts which. They are freed
    /// outside the lock, and who watches them is told. Says whether there may be more of them.
    fn evict<'s>(
        &'s self,
        mut runs: MutexGuard<'_, Runs>,
        reached: impl Fn(&Runs) -> Option<&'s Counter>,
    ) -> bool {
        let mut evicted = Vec::new();
        while evicted.len() < BATCH
            && let Some(bound) = reached(&runs)
        {
            evicted.extend(runs.pop_least_recently_updated());
            bound.inc();
        }
        drop(runs);
        for run in &evicted {
            self.watchers.tell(run.id());
        }
        evicted.len() == BATCH
    }

    /// The run, if it is known.
    #[must_use]
    pub fn get(&self, run_id: RunId) -> Option<Run> {
        self.state(run_id).map(|(_, run)| run)
    }

    /// The run, if it is known, and the revision that made it so.
    #[must_use]
    pub fn state(&self, run_id: RunId) -> Option<Watched> {
        self.lock().get(run_id)
    }

    /// The newest runs of that status, or of any, that come `after` a place in the list. At most `limit`
    /// of them, and fewer where they are large.
    #[must_use]
    pub fn page(&self, status: Option<Status>, after: Option<Position>, limit: usize) -> Page {
        self.lock().page(status, after, limit)
    }

    /// Drops some of the runs that were last updated longer ago than the retention time. Says whether
    /// there may be more.
    pub fn expire(&self, now: Timestamp) -> bool {
        let retention = i64::try_from(self.limits.retention.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.as_millis().saturating_sub(retention);
        self.evict(self.lock(), |runs| {
            let run = runs.least_recently_updated()?;
            (run.seen().last.as_millis() < oldest).then_some(&self.evicted.retention)
        })
    }

    /// What `follower` comes to next.
    pub fn next(&self, follower: &mut Follower) -> Next {
        follower.next(&self.lock())
    }

    /// Ready after the next change of any run, from now on.
    pub fn any_change(&self) -> Notified<'_> {
        self.watchers.any_change()
    }

    /// Begins to watch a run, which need not be known yet.
    #[must_use]
    pub fn watch(&self, run_id: RunId) -> Watch {
        self.watchers.watch(run_id)
    }

    /// The run that is watched, with the revision that made it so, as soon as that is not `seen` any
    /// more. `None` where the run is not known, or no longer.
    pub async fn watched(&self, watch: &Watch, seen: Option<Revision>) -> Option<Watched> {
        loop {
            let change = watch.change();
            let now = self.state(watch.run_id);
            if now.as_ref().map(|(revision, _)| *revision) != seen {
                return now;
            }
            change.await;
        }
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
