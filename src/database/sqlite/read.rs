//! Reading runs.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{
    Sqlite,
    rows::{self, COLUMNS},
};
use crate::{
    database::DatabaseError,
    run::{Outputs, Run, RunId},
};

/// How long to look for damage. A large file would keep the service from starting for minutes.
const CHECK_TIME: Duration = Duration::from_secs(1);

/// SQLite's instructions between two looks at the clock.
const CHECK_STEPS: i32 = 10_000;

impl Sqlite {
    /// Looks for damage, for a second at most.
    pub(in crate::database) fn check(&mut self) -> Result<(), DatabaseError> {
        let deadline = Instant::now() + CHECK_TIME;
        let is_over = move || Instant::now() >= deadline;
        self.connection
            .progress_handler(CHECK_STEPS, Some(is_over))?;
        let found = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        self.connection
            .progress_handler(CHECK_STEPS, None::<fn() -> bool>)?;
        match found {
            Ok(found) if found == "ok" => Ok(()),
            // The last line says what is damaged. Those before it say which part of the file it is in.
            Ok(found) => Err(DatabaseError::damaged(
                found.lines().last().unwrap_or_default(),
            )),
            Err(error) if is_interrupted(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls `take` with the runs, the most recently updated first, until there are no more or `take` returns false.
    pub(in crate::database) fn most_recent(
        &self,
        mut take: impl FnMut(Run) -> bool,
    ) -> Result<(), DatabaseError> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM runs ORDER BY last_seen_at DESC, run DESC"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !take(run(&self.connection, row)?) {
                break;
            }
        }
        Ok(())
    }
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

/// A run, if it is there.
pub(super) fn get(connection: &Connection, run_id: RunId) -> rusqlite::Result<Option<Run>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE run_id = ?1"))?;
    statement
        .query_row([run_id.to_string()], |row| run(connection, row))
        .optional()
}

/// The run of a row of `runs`, with its outputs.
fn run(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Run> {
    let mut statement =
        connection.prepare_cached("SELECT json, largest FROM outputs WHERE run = ?1")?;
    let invalid = |error| rows::invalid(row, "outputs", error);
    let outputs = statement
        .query_map([rows::number(row)?], |output| {
            let json = output.get(0).map_err(invalid)?;
            Ok((json, output.get(1).map_err(invalid)?))
        })?
        .collect::<rusqlite::Result<Vec<(String, usize)>>>()?;
    let is_incomplete = rows::value(row, "outputs_incomplete")?;
    let end: Option<Vec<u8>> = rows::value(row, "outputs_end")?;
    let outputs = outputs
        .iter()
        .map(|(json, largest)| (json.as_str(), *largest));
    let outputs = Outputs::restore(outputs, is_incomplete, end.as_deref())
        .map_err(|error| rows::invalid(row, "outputs", error))?;
    rows::run(row, outputs)
}
