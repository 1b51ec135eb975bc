//! The only way an update gets in: it is stamped with the time, merged and counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tracing::{debug, warn};

use crate::{
    run::{Timestamp, Update},
    store::{Merged, RunTooLarge, Store},
};

/// Takes updates into a [`Store`].
#[derive(Debug)]
pub struct Ingest {
    store: Arc<Store>,
    without_run_id: AtomicU64,
}

impl Ingest {
    /// The way into `store`.
    #[must_use]
    pub const fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            without_run_id: AtomicU64::new(0),
        }
    }

    /// Takes an update. One that names no run is as good as any to its sender, but changes nothing.
    ///
    /// # Errors
    /// When the store cannot keep it; nothing has changed then.
    pub fn accept(&self, update: &Update<'_>) -> Result<(), RunTooLarge> {
        let Some(run_id) = update.run_id else {
            self.note_without_run_id();
            return Ok(());
        };
        let now = Timestamp::from(jiff::Timestamp::now());
        let merged = self.store.merge(run_id, update, now)?;
        debug!(%run_id, new = merged == Merged::Applied, "took an update");
        Ok(())
    }

    /// Says so at the 1st, 2nd, 4th, 8th and so on: no update that is taken is worth a log line each
    /// time.
    fn note_without_run_id(&self) {
        let count = self.without_run_id.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            warn!(
                count,
                "acknowledged an update without run_id: it changes no run"
            );
        }
    }
}
