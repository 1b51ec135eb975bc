//! The runs in memory: bounded by number, by bytes and by age, and the only thing that is read.

mod index;
mod runs;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::runs::Runs;
pub use self::{
    index::Position,
    runs::{Merged, Page, RunTooLarge},
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
}

impl Limits {
    /// Bytes of memory that one run may take: a sixteenth of all, so that no run can push out every
    /// other.
    const fn run_bytes(&self) -> usize {
        self.bytes / 16
    }
}

/// How many runs one [`Store::expire`] drops at the most, so that it holds the lock for microseconds.
const EXPIRE_BATCH: usize = 256;

/// The runs.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    // One plain lock for all: it is held for microseconds (for as long as it takes to copy the outputs
    // of a large update), never across an await, and what a reader takes from under it is shared, so
    // that serialising happens outside.
    runs: Mutex<Runs>,
    evicted: Evicted,
}

/// How many runs were dropped, by what was reached.
#[derive(Debug)]
struct Evicted {
    runs: Counter,
    bytes: Counter,
    retention: Counter,
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
    /// An empty store, with room for as many runs as it may hold: growing a large map would make one
    /// update wait.
    #[must_use]
    pub fn new(limits: Limits, metrics: &Metrics) -> Self {
        Self {
            limits,
            runs: Mutex::new(Runs::with_capacity(limits.runs)),
            evicted: Evicted {
                runs: metrics.evictions("max_runs"),
                bytes: metrics.evictions("max_bytes"),
                retention: metrics.evictions("retention"),
            },
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
        loop {
            let reached = if runs.len() > self.limits.runs {
                &self.evicted.runs
            } else if runs.bytes() > self.limits.bytes {
                &self.evicted.bytes
            } else {
                break;
            };
            evicted.extend(runs.pop_least_recently_updated());
            reached.inc();
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
        self.evicted.retention.inc_by(expired.len() as u64);
        expired.len() == EXPIRE_BATCH
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const LIMITS: Limits = Limits {
        runs: 8,
        bytes: 1024 * 1024,
        retention: Duration::from_secs(10),
    };

    fn store(limits: Limits) -> Store {
        Store::new(limits, &Metrics::new())
    }

    fn run_id(n: u8) -> RunId {
        format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn merge(store: &Store, n: u8, body: &str, millis: i64) -> Result<Merged, RunTooLarge> {
        let update = Update::parse(body.as_bytes()).unwrap();
        store.merge(run_id(n), &update, at(millis))
    }

    #[test]
    fn an_update_is_applied_once_and_then_changes_nothing() {
        let store = store(LIMITS);
        assert_eq!(merge(&store, 1, "{}", 1), Ok(Merged::Applied));
        assert_eq!(merge(&store, 1, "{}", 2), Ok(Merged::NoChange));
        assert_eq!(
            merge(&store, 1, r#"{"progress":1}"#, 3),
            Ok(Merged::Applied)
        );
        assert_eq!(
            merge(&store, 1, r#"{"progress":1}"#, 4),
            Ok(Merged::NoChange)
        );
        assert_eq!(store.get(run_id(1)).unwrap().seen().last, at(4));
    }

    #[test]
    fn a_reader_keeps_the_state_it_took() {
        let store = store(LIMITS);
        merge(&store, 1, r#"{"progress":1}"#, 1).unwrap();
        let taken = store.get(run_id(1)).unwrap();
        merge(&store, 1, r#"{"progress":2}"#, 2).unwrap();
        assert!(taken.progress() < store.get(run_id(1)).unwrap().progress());
    }

    #[test]
    fn a_run_is_dropped_when_its_last_update_is_too_long_ago() {
        let store = store(LIMITS);
        merge(&store, 1, "{}", 0).unwrap();
        merge(&store, 2, "{}", 1).unwrap();
        merge(&store, 1, "{}", 5_000).unwrap();
        assert!(!store.expire(at(10_001)), "there are no more");
        assert!(
            store.get(run_id(2)).is_some(),
            "not too long ago, just as long"
        );
        store.expire(at(10_002));
        assert!(store.get(run_id(2)).is_none());
        assert!(store.get(run_id(1)).is_some());
    }

    #[test]
    fn however_many_runs_are_to_be_dropped_it_takes_but_some_turns() {
        let store = store(Limits {
            runs: 1_000,
            ..LIMITS
        });
        let runs = u8::MAX;
        for (n, at) in (0..runs).zip(0..) {
            merge(&store, n, "{}", at).unwrap();
        }
        merge(&store, runs, "{}", 300).unwrap();
        assert!(store.expire(at(20_000)), "there may be more");
        assert!(!store.expire(at(20_000)));
        assert!(store.page(None, None, 9).runs.is_empty());
    }

    #[test]
    fn a_run_that_is_nearly_too_large_takes_what_replaces_and_what_it_knows() {
        let store = store(LIMITS);
        let with = |date: u8, size| {
            let data = "x".repeat(size);
            format!(r#"{{"outputs":[{{"id":1,"updated_at":{date},"data":"{data}"}}]}}"#)
        };
        assert_eq!(merge(&store, 1, &with(1, 40_000), 1), Ok(Merged::Applied));
        assert_eq!(merge(&store, 1, &with(2, 40_000), 2), Ok(Merged::Applied));
        assert_eq!(merge(&store, 1, &with(1, 40_000), 3), Ok(Merged::NoChange));
        assert!(merge(&store, 1, &with(3, 70_000), 4).is_err());
        let kept = store.get(run_id(1)).unwrap();
        assert!(
            serde_json::to_string(kept.outputs())
                .unwrap()
                .contains("\"updated_at\":2")
        );
        assert_eq!(kept.seen().last, at(3), "a refused update leaves no trace");
    }

    #[test]
    fn a_run_holds_so_many_outputs_and_no_more() {
        let store = store(Limits {
            bytes: 1 << 30,
            ..LIMITS
        });
        let with = |outputs: std::ops::Range<usize>| {
            let outputs: Vec<_> = outputs.map(|n| format!(r#"{{"id":{n}}}"#)).collect();
            format!(r#"{{"outputs":[{}]}}"#, outputs.join(","))
        };
        assert_eq!(merge(&store, 1, &with(0..1_000), 1), Ok(Merged::Applied));
        assert_eq!(merge(&store, 1, &with(500..1_000), 2), Ok(Merged::NoChange));
        assert!(merge(&store, 1, &with(999..1_001), 3).is_err());
        assert_eq!(store.get(run_id(1)).unwrap().outputs().len(), 1_000);
    }

    #[test]
    fn a_run_that_would_be_too_large_is_not_begun() {
        let store = store(LIMITS);
        let large = format!(
            r#"{{"live_status":"{}"}}"#,
            "x".repeat(LIMITS.bytes / 16 + 1)
        );
        let bytes = LIMITS.bytes / 16;
        assert_eq!(merge(&store, 1, &large, 1), Err(RunTooLarge { bytes }));
        assert!(store.get(run_id(1)).is_none());
        assert!(store.page(None, None, 9).runs.is_empty());
    }

    proptest! {
        /// Runs 0 to 7 fit; each is updated again and again while the walk goes on, by any status, and
        /// the clock may stand still or go back.
        #[test]
        fn a_walk_meets_every_run_once_whatever_happens_meanwhile(
            limit in 1_usize..4,
            updates in vec(vec((0_u8..8, 0_usize..5, 0_i64..5), 0..5), 9),
        ) {
            let store = store(LIMITS);
            for n in 0..8 {
                merge(&store, n, "{}", i64::from(n / 3)).unwrap();
            }
            let (mut seen, mut after) = (Vec::new(), None);
            for updates in updates {
                let page = store.page(None, after, limit);
                seen.extend(page.runs.iter().map(|run| run.id()));
                for (n, status, millis) in updates {
                    let status = ["queued", "running", "uploading", "failed", "success"][status];
                    merge(&store, n, &format!(r#"{{"status":"{status}"}}"#), millis).unwrap();
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen.len(), 8);
            prop_assert_eq!(seen.into_iter().collect::<HashSet<_>>().len(), 8);
        }
    }
}
