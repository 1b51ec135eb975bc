//! The tables, and how those of an older version become these.

use rusqlite::Connection;

/// Marks a file as one of this program: "cdwh" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6364_7768;

/// The statements that make each version from the one before. A version that was released is never changed.
const MIGRATIONS: [&str; 1] = [
    // The rows of `runs` are found by their own number: keyed by the id, whose order is random, an update writes several
    // times as many pages. The columns from `furthest_progress` on are needed to go on with the run.
    "CREATE TABLE runs (
        run INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        status TEXT,
        platform_status TEXT,
        progress ANY,
        live_status TEXT,
        labels TEXT NOT NULL,
        queued_at TEXT,
        started_at TEXT,
        ended_at TEXT,
        first_seen_at TEXT NOT NULL,
        last_seen_at TEXT NOT NULL,
        furthest_progress ANY,
        outputs_incomplete INTEGER NOT NULL,
        outputs_end BLOB
    ) STRICT;
    CREATE INDEX runs_by_last_seen ON runs (last_seen_at);
    CREATE TABLE outputs (
        output INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
        key TEXT NOT NULL,
        largest INTEGER NOT NULL,
        json TEXT NOT NULL,
        UNIQUE (run, key)
    ) STRICT;",
];

/// The version that this program writes.
#[expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "there are a few"
)]
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

/// The version of a database. That of an empty one is 0.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database to the present version.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_by(connection, &MIGRATIONS)
}

/// Brings a database to the version that the last of these make, in one transaction.
pub(super) fn migrate_by(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let from = usize::try_from(version(connection)?).unwrap_or(0);
    if from == migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for statements in &migrations[from..] {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migrations.len())?;
    transaction.commit()?;
    // In write-ahead mode it is in the log only. The header should say it too, for those who look at nothing else.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
