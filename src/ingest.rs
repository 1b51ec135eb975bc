//! The only write path: an update is stamped with the time, merged and counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tracing::{debug, warn};

use crate::{
    metrics::{Counter, Metrics},
    run::{Dialect, Timestamp, Update},
    store::{Outcome, RunTooLarge, Store},
};

/// Merges updates into a [`Store`].
#[derive(Debug)]
pub struct Ingest {
    store: Arc<Store>,
    applied: ByDialect,
    no_change: ByDialect,
    without_run_id: ByDialect,
    updates_without_run_id: AtomicU64,
}

/// Counters of the updates with one outcome.
#[derive(Debug)]
struct ByDialect {
    documented: Counter,
    wire: Counter,
}

impl ByDialect {
    fn new(metrics: &Metrics, outcome: &'static str) -> Self {
        Self {
            documented: metrics.updates(outcome, "documented"),
            wire: metrics.updates(outcome, "wire"),
        }
    }

    fn count(&self, update: &Update<'_>) {
        match update.dialect {
            Dialect::Documented => self.documented.inc(),
            Dialect::Wire => self.wire.inc(),
        }
    }
}

impl Ingest {
    /// For one store.
    #[must_use]
    pub fn new(store: Arc<Store>, metrics: &Metrics) -> Self {
        Self {
            store,
            applied: ByDialect::new(metrics, "applied"),
            no_change: ByDialect::new(metrics, "no_change"),
            without_run_id: ByDialect::new(metrics, "without_run_id"),
            updates_without_run_id: AtomicU64::new(0),
        }
    }

    /// Accepts an update. One that names no run is acknowledged to its sender, and changes no run.
    ///
    /// # Errors
    /// When the store cannot keep it; nothing is changed then.
    pub fn accept(&self, update: &Update<'_>) -> Result<(), RunTooLarge> {
        let Some(run_id) = update.run_id else {
            self.without_run_id.count(update);
            self.note_without_run_id();
            return Ok(());
        };
        let now = Timestamp::from(jiff::Timestamp::now());
        let outcome = self.store.apply(run_id, update, now)?;
        match outcome {
            Outcome::Applied => self.applied.count(update),
            Outcome::NoChange => self.no_change.count(update),
        }
        debug!(%run_id, ?outcome, "update merged");
        Ok(())
    }

    /// Logs the 1st, 2nd, 4th, 8th and so on: an accepted update is not worth a log line each time.
    fn note_without_run_id(&self) {
        let count = self.updates_without_run_id.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            warn!(
                count,
                "update without run_id acknowledged: it changes no run"
            );
        }
    }
}
