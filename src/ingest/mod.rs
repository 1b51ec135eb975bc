//! The only write path: an update is stamped with the time, merged and counted. With a database it is merged there
//! first, by the committer.

mod batch;
mod committer;
mod counts;
mod readiness;
mod retention;
#[cfg(all(test, feature = "sqlite"))]
mod tests;

use std::{any::Any, future::pending, io, sync::Arc, time::Duration};

use tokio::sync::oneshot;

pub use self::{
    committer::{Commit, NotDurable, Restored},
    readiness::Readiness,
};
use self::{
    committer::{Committer, Waiting},
    counts::Counts,
};
use crate::{
    database::Database,
    metrics::{DatabaseMetrics, Metrics},
    run::{Run, Timestamp, Update},
    store::Store,
};

/// Merges updates into a [`Store`], and into a database if there is one.
#[derive(Debug)]
pub struct Ingest {
    store: Arc<Store>,
    counts: Arc<Counts>,
    committer: Option<Committer>,
}

/// What became of an update that was accepted.
#[derive(Debug)]
#[must_use]
pub enum Accepted {
    /// It is merged, if it names a run.
    Merged,
    /// It is durable once this says so.
    Waiting(Commit),
}

/// What counts the memory of an update until it is dropped.
pub type Reservation = Option<Box<dyn Any + Send>>;

impl Ingest {
    /// For one store, in memory alone.
    #[must_use]
    pub fn new(store: Arc<Store>, metrics: &Metrics) -> Self {
        Self {
            store,
            counts: Arc::new(Counts::new(metrics)),
            committer: None,
        }
    }

    /// For one store and a database, from which the store is filled first. Its runs are kept for `retention` after their
    /// last updates.
    ///
    /// # Errors
    /// When no thread can be started for it.
    pub fn with_database(
        store: Arc<Store>,
        metrics: &Metrics,
        database: Database,
        database_metrics: DatabaseMetrics,
        retention: Duration,
    ) -> io::Result<(Self, Restored)> {
        let mut ingest = Self::new(store, metrics);
        let (committer, restored) = Committer::start(
            database,
            Arc::clone(&ingest.store),
            Arc::clone(&ingest.counts),
            database_metrics,
            retention,
        )?;
        ingest.committer = Some(committer);
        Ok((ingest, restored))
    }

    /// Accepts an update. One that names no run is acknowledged to its sender, and changes no run. The `reservation` of its
    /// memory is kept as long as it waits, also when its sender is gone.
    ///
    /// # Errors
    /// When the database cannot take it. Then no run has changed.
    pub fn accept(
        &self,
        update: &Update<'_>,
        reservation: Reservation,
    ) -> Result<Accepted, NotDurable> {
        let Some(run_id) = update.run_id else {
            self.counts.without_run_id(update.dialect);
            return Ok(Accepted::Merged);
        };
        let now = Timestamp::from(jiff::Timestamp::now());
        let Some(committer) = &self.committer else {
            let merged = self.store.apply(run_id, update, now);
            self.counts.merged(run_id, update.dialect, merged);
            return Ok(Accepted::Merged);
        };
        let (said, left_out) =
            Run::described_by(run_id, update, now, self.store.max_output_bytes());
        let (answer, commit) = oneshot::channel();
        committer.send(Waiting {
            said,
            left_out,
            dialect: update.dialect,
            _reservation: reservation,
            answer,
        })?;
        Ok(Accepted::Waiting(Commit(commit)))
    }

    /// Whether updates can be accepted and all runs are shown.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.committer
            .as_ref()
            .map_or(Readiness::Ready, Committer::readiness)
    }

    /// Whether the store is filled. It is from the beginning without a database.
    #[must_use]
    pub fn is_restored(&self) -> bool {
        self.readiness() != Readiness::Restoring
    }

    /// Waits until the store is filled; for ever if it cannot be.
    pub async fn restored(&self) {
        if let Some(committer) = &self.committer {
            committer.restored().await;
        }
    }

    /// Waits until updates can no longer be committed; for ever without a database.
    pub async fn ended(&self) {
        match &self.committer {
            Some(committer) => committer.ended().await,
            None => pending().await,
        }
    }

    /// Commits what waits, and closes the database. Updates that come later are not accepted.
    pub async fn close(&self) {
        if let Some(committer) = &self.committer {
            committer.close().await;
        }
    }
}
