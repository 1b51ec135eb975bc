//! Reading beside the connection that writes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{file::beside, read};
use crate::{
    database::{DatabaseError, Size},
    run::{Run, RunId},
};

/// A connection that reads. One read at a time, so that many clients together hold the memory of one run.
#[derive(Debug, Clone)]
pub struct Reader {
    connection: Arc<Mutex<Connection>>,
    path: Arc<PathBuf>,
}

impl Reader {
    pub(super) fn new(connection: Connection, path: PathBuf) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            path: Arc::new(path),
        }
    }

    /// A run as it was committed last.
    pub(in crate::database) async fn get(
        &self,
        run_id: RunId,
    ) -> Result<Option<Run>, DatabaseError> {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        let read = spawn_blocking(move || {
            // The row of the run and those of its outputs are of one time.
            let transaction = connection.transaction()?;
            read::get(&transaction, run_id)
        });
        let read = read
            .await
            .map_err(|panic| DatabaseError::other(panic.to_string()))?;
        Ok(read?)
    }

    pub(in crate::database) fn size(&self) -> Size {
        let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        Size {
            database: bytes(&self.path),
            wal: bytes(&beside(&self.path, "-wal")),
        }
    }
}
