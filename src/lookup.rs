//! Finding a run: in the store, or in the database when the store has dropped it.

use std::sync::Arc;

use tracing::error;

use crate::{
    database::{DatabaseError, Reader},
    metrics::DatabaseMetrics,
    run::{Run, RunId},
    store::{RunWatch, Store},
    telemetry::LogRateLimit,
};

/// Finds runs.
#[derive(Debug)]
pub struct Lookup {
    store: Arc<Store>,
    database: Option<(Reader, DatabaseMetrics)>,
    log: LogRateLimit,
}

impl Lookup {
    /// In the store, which has all runs unless there is a database.
    #[must_use]
    pub fn new(store: Arc<Store>, database: Option<(Reader, DatabaseMetrics)>) -> Self {
        Self {
            store,
            database,
            log: LogRateLimit::new(),
        }
    }

    /// Whether there is a database that keeps what the store has dropped.
    #[must_use]
    pub const fn has_database(&self) -> bool {
        self.database.is_some()
    }

    /// The run, if it is known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn get(&self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        match self.store.get(run_id) {
            Some(run) => Ok(Some(run)),
            None => self.in_database(run_id).await,
        }
    }

    /// The run that is watched, as [`Store::look`] and the database have it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn look(&self, watch: &mut RunWatch) -> Result<Option<Run>, DatabaseError> {
        match self.store.look(watch) {
            Some(now) => Ok(Some(now.run)),
            None => self.in_database(watch.run_id()).await,
        }
    }

    /// The run, if it is in the database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn in_database(&self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        let Some((reader, metrics)) = &self.database else {
            return Ok(None);
        };
        let run = reader.get(run_id).await;
        run.inspect_err(|error| {
            metrics.failures.inc();
            self.log.line(|suppressed| {
                error!(%run_id, suppressed, "a run cannot be read from the database: {error}");
            });
        })
    }

    /// Measures the database for the metrics.
    pub fn measure_database(&self) {
        if let Some((reader, metrics)) = &self.database {
            let size = reader.size();
            metrics.set_size(size.database, size.wal);
        }
    }
}
