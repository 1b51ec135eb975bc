//! Writing runs.

use std::time::Duration;

use rusqlite::{Connection, config::DbConfig, params};
use tracing::{info, warn};

use super::{
    Sqlite, read,
    rows::{self, run_id},
    schema::VERSION,
};
use crate::{
    database::DatabaseError,
    run::{OutputChange, Outputs, PlatformStatus, Run, RunId, RunParts, Status, Timestamp},
};

impl Sqlite {
    /// Begins to read and write.
    pub(in crate::database) const fn begin(&mut self) -> Transaction<'_> {
        Transaction {
            sqlite: self,
            is_open: false,
        }
    }

    /// Removes at most `most` of the runs that were last updated before this time. Returns which.
    pub(in crate::database) fn remove_older(
        &mut self,
        than: Timestamp,
        most: usize,
    ) -> Result<Vec<RunId>, DatabaseError> {
        self.check_files()?;
        let transaction = self.connection.transaction()?;
        let mut statement = transaction.prepare_cached(
            "DELETE FROM runs WHERE run IN
                (SELECT run FROM runs WHERE last_seen_at < ?1 ORDER BY last_seen_at LIMIT ?2)
            RETURNING run_id",
        )?;
        let removed = statement
            .query_map((than.to_string(), most), run_id)?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        transaction.commit()?;
        Ok(removed)
    }

    /// Moves all of the write-ahead log to the database. If a program that reads it is in the way, the log stays as it is,
    /// and is part of the database.
    pub(in crate::database) fn close(self) {
        let empty = || {
            self.connection.busy_timeout(Duration::ZERO)?;
            self.connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                    row.get::<_, bool>("busy")
                })
        };
        match empty() {
            Ok(false) => {}
            Ok(true) => {
                info!("the write-ahead log stays beside the database: another program reads it");
            }
            Err(error) => warn!(%error, "the write-ahead log stays beside the database"),
        }
        drop(self.connection);
        self.lock.unlock();
    }

    /// Writes what is there already.
    pub(in crate::database) fn probe(&mut self) -> Result<(), DatabaseError> {
        self.check_files()?;
        let transaction = self.connection.transaction()?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        Ok(transaction.commit()?)
    }
}

/// Reads and writes of runs, all together or not at all. Nothing but this process writes, so it is begun only when
/// there is something to write.
#[derive(Debug)]
pub struct Transaction<'d> {
    sqlite: &'d mut Sqlite,
    is_open: bool,
}

impl Transaction<'_> {
    /// A run as the database has it.
    pub(in crate::database) fn get(&self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        Ok(read::get(&self.sqlite.connection, run_id)?)
    }

    /// Writes what a run became that was as `before` in the database, if it was there.
    pub(in crate::database) fn put(
        &mut self,
        before: Option<&Run>,
        after: &Run,
    ) -> Result<(), DatabaseError> {
        if !self.is_open {
            self.sqlite.check_files()?;
            self.execute("BEGIN IMMEDIATE")?;
            self.is_open = true;
        }
        write_run(&self.sqlite.connection, after)?;
        let none = Outputs::new();
        let known = before.map_or(&none, Run::outputs);
        for change in after.outputs().changes_since(known) {
            write_output(&self.sqlite.connection, after.id(), change)?;
        }
        Ok(())
    }

    /// Makes all of it durable.
    pub(in crate::database) fn commit(mut self) -> Result<(), DatabaseError> {
        if self.is_open {
            self.execute("COMMIT")?;
            self.is_open = false;
        }
        Ok(())
    }

    fn execute(&self, statement: &str) -> rusqlite::Result<usize> {
        self.sqlite
            .connection
            .prepare_cached(statement)?
            .execute([])
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // After some errors SQLite has done it already.
        if self.is_open
            && !self.sqlite.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            warn!(%error, "a transaction of the database cannot be rolled back");
        }
    }
}

fn write_run(connection: &Connection, run: &Run) -> rusqlite::Result<()> {
    let parts = RunParts::from(run);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let mut statement = connection.prepare_cached(
        "INSERT INTO runs (
            run_id, status, platform_status, progress, live_status, labels, queued_at, started_at, ended_at,
            first_seen_at, last_seen_at, furthest_progress, outputs_incomplete, outputs_end
        ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        ON CONFLICT (run_id) DO UPDATE SET
            status = ?2, platform_status = ?3, progress = ?4, live_status = ?5, labels = ?6, queued_at = ?7,
            started_at = ?8, ended_at = ?9, first_seen_at = ?10, last_seen_at = ?11, furthest_progress = ?12,
            outputs_incomplete = ?13, outputs_end = ?14",
    )?;
    // By number, since each name would be searched for among all.
    statement.execute(params![
        parts.id.to_string(),
        run.status().map(Status::word),
        parts.platform_status.map(PlatformStatus::word),
        parts.progress.map(rows::percentage),
        parts.live_status.as_deref(),
        rows::labels_json(&parts.labels),
        time(parts.seen.queued),
        time(parts.seen.started),
        time(parts.seen.ended),
        parts.seen.first.to_string(),
        parts.seen.last.to_string(),
        parts.furthest_progress.map(rows::percentage),
        parts.outputs.is_incomplete(),
        parts.outputs.end(),
    ])?;
    Ok(())
}

fn write_output(
    connection: &Connection,
    run_id: RunId,
    change: OutputChange<'_>,
) -> rusqlite::Result<()> {
    let run_id = run_id.to_string();
    match change {
        OutputChange::Written(output) => {
            let mut statement = connection.prepare_cached(
                "INSERT INTO outputs (run, key, largest, json)
                VALUES ((SELECT run FROM runs WHERE run_id = ?1), ?2, ?3, ?4)
                ON CONFLICT (run, key) DO UPDATE SET largest = excluded.largest, json = excluded.json",
            )?;
            statement.execute((run_id, rows::key(output), output.largest(), output.json()))?;
        }
        OutputChange::Removed(output) => {
            let mut statement = connection.prepare_cached(
                "DELETE FROM outputs WHERE run = (SELECT run FROM runs WHERE run_id = ?1) AND key = ?2",
            )?;
            statement.execute((run_id, rows::key(output)))?;
        }
    }
    Ok(())
}
