//! Opening what keeps the runs, and looking after it.

use std::{
    convert::Infallible,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{spawn_blocking, yield_now},
    time,
};
use tracing::info;

use super::ServeError;
use crate::{
    config::{Config, DatabaseUrl},
    database::{Database, OpenError, Reader},
    http::Runs,
    ingest::{Ingest, Restored},
    lookup::Lookup,
    metrics::Metrics,
    store::{Limits, Store, sweep_interval},
};

/// What has to go on as long as runs are served.
#[derive(Debug)]
pub(super) enum Upkeep {
    InMemory {
        store: Arc<Store>,
        retention: Duration,
    },
    InDatabase {
        url: DatabaseUrl,
        ingest: Arc<Ingest>,
        restored: Restored,
    },
}

/// The runs of `config`: of a new store, and of the database if one is set.
pub(super) async fn open(config: &Config, metrics: &Metrics) -> Result<(Runs, Upkeep), ServeError> {
    let limits = Limits {
        runs: config.max_runs,
        bytes: config.max_bytes,
        retention: config.retention,
        backlog: config.stream_backlog,
    };
    let store = Arc::new(Store::new(limits, metrics));
    let retention = config.retention;
    let Some(url) = config.database_url.clone() else {
        let runs = Runs::in_memory(Arc::clone(&store), metrics);
        return Ok((runs, Upkeep::InMemory { store, retention }));
    };
    let (database, reader) = open_database(url.clone()).await?;
    let database_metrics = metrics.database();
    let lookup = Lookup::new(Arc::clone(&store), Some((reader, database_metrics.clone())));
    let (ingest, restored) = Ingest::with_database(
        Arc::clone(&store),
        metrics,
        database,
        database_metrics,
        retention,
    )?;
    let ingest = Arc::new(ingest);
    let runs = Runs {
        ingest: Arc::clone(&ingest),
        store,
        lookup,
    };
    let upkeep = Upkeep::InDatabase {
        url,
        ingest,
        restored,
    };
    Ok((runs, upkeep))
}

async fn open_database(url: DatabaseUrl) -> Result<(Database, Reader), ServeError> {
    let place = url.to_string();
    // It may wait for a program that has locked the database.
    let opened = spawn_blocking(move || {
        let database = Database::open(&url)?;
        let reader = database.reader()?;
        Ok::<_, OpenError>((database, reader))
    });
    let opened = opened.await.map_err(io::Error::from)??;
    info!("runs are kept in {place}");
    Ok(opened)
}

impl Upkeep {
    /// Calls `ready` when all runs can be shown. Returns when the service cannot go on.
    pub(super) async fn run(self, ready: impl FnOnce()) -> ServeError {
        match self {
            Self::InMemory { store, retention } => {
                ready();
                match sweep(&store, retention).await {}
            }
            Self::InDatabase {
                url,
                ingest,
                restored,
            } => {
                match restored.await {
                    Ok(Ok(())) => ready(),
                    Ok(Err(error)) => return ServeError::Database(OpenError::new(&url, error)),
                    // The thread has ended.
                    Err(_) => {}
                }
                ingest.ended().await;
                ServeError::CommitterEnded
            }
        }
    }
}

/// Removes expired runs, forever.
async fn sweep(store: &Store, retention: Duration) -> Infallible {
    let mut ticks = time::interval(sweep_interval(retention));
    loop {
        ticks.tick().await;
        while store.expire(Instant::now()) {
            yield_now().await;
        }
    }
}
