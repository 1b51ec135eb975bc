//! The runs in memory: bounded by number, by bytes and by age, and the only thing that is read.

mod runs;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::runs::Runs;
use crate::run::{Run, RunId, Status, Timestamp, Update};

/// What the store may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Runs, at least 1.
    pub runs: usize,
    /// Bytes of memory for all runs together, estimated.
    pub bytes: usize,
    /// Time since the last update of a run.
    pub retention: Duration,
}

impl Limits {
    /// Bytes of text that one run may hold: a sixteenth of all, so that no run can push out every
    /// other.
    const fn run_bytes(&self) -> usize {
        self.bytes / 16
    }
}

/// How many runs one [`Store::expire`] drops at the most, so that it holds the lock for microseconds.
const EXPIRE_BATCH: usize = 256;

/// Whether an update told anything new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// It did.
    Applied,
    /// All of it was known; only the time the run was last seen moved.
    NoChange,
}

/// The update would make its run larger than one run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTooLarge {
    /// Bytes of text that one run may hold.
    pub limit: usize,
}

impl fmt::Display for RunTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        write!(
            f,
            "this run would hold more than {limit} bytes, the most that is kept of one run"
        )
    }
}

impl std::error::Error for RunTooLarge {}

/// A place in the list of runs, newest first. A run keeps its place as long as it is kept, so that a
/// walk through the pages neither meets a run twice nor misses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the run entered the list: greater is newer.
    pub listed_at: Timestamp,
    /// Which it is of those that entered in the same millisecond.
    pub run_id: RunId,
}

/// Some of the runs, newest first.
#[derive(Debug)]
pub struct Page {
    /// The runs.
    pub runs: Vec<Arc<Run>>,
    /// The last run's place, where more may follow.
    pub next: Option<Position>,
}

/// The runs.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    // One plain lock for all: it is held for microseconds, never across an await, and what a reader
    // takes from under it is shared, so that serialising happens outside.
    runs: Mutex<Runs>,
}

impl Store {
    /// An empty store, with room for as many runs as it may hold: growing a large map would make one
    /// update wait.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            runs: Mutex::new(Runs::with_capacity(limits.runs)),
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
        let mut evicted = Vec::new();
        while runs.len() > self.limits.runs || runs.bytes() > self.limits.bytes {
            evicted.extend(runs.pop_least_recently_updated());
        }
        drop(runs);
        // Freed outside the lock.
        drop(evicted);
        Ok(merged)
    }

    /// The run, if it is known.
    #[must_use]
    pub fn get(&self, run_id: RunId) -> Option<Arc<Run>> {
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
        let mut runs = self.lock();
        let mut expired = Vec::new();
        while expired.len() < EXPIRE_BATCH
            && let Some(run) = runs.least_recently_updated()
            && run.seen().last.as_millis() < oldest
        {
            expired.extend(runs.pop_least_recently_updated());
        }
        drop(runs);
        expired.len() == EXPIRE_BATCH
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        // Nothing under the lock panics but by running out of memory, which aborts.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
