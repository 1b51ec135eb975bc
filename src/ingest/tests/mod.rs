//! What the only write path promises, whatever keeps the runs. These tests are beside it and not beside a database: the
//! promise is that of both together, and another database has to keep it too.

mod committing;
mod contract;
mod failing;

use std::{path::PathBuf, sync::Arc, time::Duration};

use rusqlite::Connection;
use tokio::runtime::{Builder, Runtime};

use super::{Accepted, Commit, Ingest, NotDurable, Readiness};
use crate::{
    config::DatabaseUrl,
    database::Database,
    lookup::Lookup,
    metrics::{Levels, Metrics},
    run::{Run, RunParts, Update},
    store::{Limits, Store},
    testing::{Folder, at, run_id, until},
};

/// What keeps the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    InMemory,
    InSqlite,
}

const LIMITS: Limits = Limits {
    runs: 100,
    bytes: 1024 * 1024,
    retention: Duration::from_hours(1),
    backlog: 100,
};

/// The write path, and what the tests look at.
struct Service {
    kept: Kept,
    limits: Limits,
    folder: Folder,
    runtime: Runtime,
    metrics: Arc<Metrics>,
    store: Arc<Store>,
    ingest: Ingest,
    lookup: Lookup,
}

impl Service {
    fn new(kept: Kept, limits: Limits) -> Self {
        Self::in_folder(kept, limits, Folder::new())
    }

    fn in_folder(kept: Kept, limits: Limits, folder: Folder) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let metrics = Metrics::new();
        let store = Arc::new(Store::new(limits, &metrics));
        let (ingest, lookup) = match kept {
            Kept::InMemory => (
                Ingest::new(Arc::clone(&store), &metrics),
                Lookup::new(Arc::clone(&store), None),
            ),
            Kept::InSqlite => with_sqlite(&folder, &store, &metrics, limits.retention),
        };
        let service = Self {
            kept,
            limits,
            folder,
            runtime,
            metrics,
            store,
            ingest,
            lookup,
        };
        until("it is ready", || {
            service.ingest.readiness() == Readiness::Ready
        });
        service
    }

    /// Ends it as a process ends, and starts another one.
    fn restarted(self) -> Self {
        self.runtime.block_on(self.ingest.close());
        drop((self.ingest, self.lookup));
        Self::in_folder(self.kept, self.limits, self.folder)
    }

    fn file(&self) -> PathBuf {
        file(&self.folder)
    }

    /// Another program that uses the file.
    fn other_program(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    fn accept(&self, update: &Update<'_>) -> Result<(), NotDurable> {
        match self.ingest.accept(update)? {
            Accepted::Merged => Ok(()),
            Accepted::Waiting(commit) => self.answer(commit),
        }
    }

    fn answer(&self, commit: Commit) -> Result<(), NotDurable> {
        self.runtime.block_on(commit.durable())
    }

    /// An update of the nth run is accepted.
    fn send(&self, n: usize, body: &str) {
        assert_eq!(self.accept(&of_run(n, body)), Ok(()));
    }

    /// An update of the nth run begins to wait.
    fn queue(&self, n: usize, body: &str) -> Result<Commit, NotDurable> {
        match self.ingest.accept(&of_run(n, body))? {
            Accepted::Waiting(commit) => Ok(commit),
            Accepted::Merged => panic!("it does not wait"),
        }
    }

    /// The nth run as a client gets it.
    fn run(&self, n: usize) -> Option<Run> {
        let found = self.lookup.get(run_id(n));
        self.runtime.block_on(found).unwrap()
    }

    /// The nth run, but for its times, which no two services have in common.
    fn timeless(&self, n: usize) -> Option<Run> {
        let mut parts = RunParts::from(&self.run(n)?);
        let now = Run::new(run_id(n), at(0)).seen();
        parts.seen = now;
        Some(parts.into())
    }

    /// A sample of the metrics.
    fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.render(Levels {
            runs: 0,
            run_bytes: 0,
            body_bytes: 0,
            answer_bytes: 0,
            subscribers: 0,
            log_lines_left_out: 0,
        });
        let prefix = format!("comfydeploy_webhook_{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Commits, and the updates in them.
    fn commits(&self) -> [u64; 2] {
        ["count", "sum"].map(|of| self.metric(&format!("database_updates_per_commit_{of}")))
    }
}

fn file(folder: &Folder) -> PathBuf {
    folder.join("runs.db")
}

fn with_sqlite(
    folder: &Folder,
    store: &Arc<Store>,
    metrics: &Metrics,
    retention: Duration,
) -> (Ingest, Lookup) {
    let url = DatabaseUrl::Sqlite(file(folder));
    let database = Database::open(&url).unwrap();
    let reader = database.reader().unwrap();
    let database_metrics = metrics.database();
    let (ingest, _restored) = Ingest::with_database(
        Arc::clone(store),
        metrics,
        database,
        database_metrics.clone(),
        retention,
    )
    .unwrap();
    let lookup = Lookup::new(Arc::clone(store), Some((reader, database_metrics)));
    (ingest, lookup)
}

/// The update that a body holds, of the nth run.
fn of_run(n: usize, body: &str) -> Update<'_> {
    let mut update = crate::testing::update(body);
    update.run_id = Some(run_id(n));
    update
}
