//! Damage is noticed, and named where it can be.

use std::{
    fs::{self, File},
    path::Path,
};

use rusqlite::Connection;

use super::{file, open, run, runs, with_runs};
use crate::database::{Cause, DatabaseError};

/// The page size that SQLite chooses.
const PAGE: usize = 4096;

/// Opens a file, looks for damage and reads all.
fn use_all(path: &Path) -> Result<(), String> {
    let mut database = open(path).map_err(|error| error.to_string())?;
    let found = database.check().and_then(|()| runs(&database));
    match found {
        Ok(_) => Ok(()),
        Err(error) => {
            assert_eq!(error.cause(), Cause::Damaged, "{error}");
            Err(error.to_string())
        }
    }
}

/// A page of a table or an index.
fn page(path: &Path, name: &str, kind: &str) -> usize {
    let connection = Connection::open(path).unwrap();
    let page = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = ?2";
    connection
        .query_row(page, (name, kind), |row| row.get(0))
        .unwrap()
}

#[test]
fn a_page_that_was_overwritten_is_noticed_and_the_file_stays_as_it_is() {
    let (_folder, path) = with_runs(1_000);
    let whole = fs::read(&path).unwrap();
    for (name, kind) in [
        ("sqlite_schema", "leaf"),
        ("runs", "internal"),
        ("runs", "leaf"),
        ("outputs", "leaf"),
        ("sqlite_autoindex_runs_1", "leaf"),
        ("runs_by_last_seen", "leaf"),
        ("sqlite_autoindex_outputs_1", "leaf"),
    ] {
        for byte in [0, 0xff] {
            let start = (page(&path, name, kind) - 1) * PAGE;
            let mut bytes = whole.clone();
            // The header of the file is not part of this.
            bytes[start.max(100)..start + PAGE].fill(byte);
            fs::write(&path, bytes).unwrap();
            let before = file(&path);
            let error = use_all(&path).expect_err(name);
            assert!(error.contains("it is damaged ("), "{name}: {error}");
            assert!(file(&path) == before, "{name}: {error}");
            fs::write(&path, &whole).unwrap();
        }
    }
    assert_eq!(use_all(&path), Ok(()));
}

#[test]
fn a_file_that_was_cut_is_not_opened_and_stays_as_it_is() {
    let (_folder, path) = with_runs(500);
    let length = path.metadata().unwrap().len();
    for kept in [length / 2, 4096 + 100, 4096] {
        let cut = File::options().write(true).open(&path).unwrap();
        cut.set_len(kept).unwrap();
        let before = file(&path);
        assert_eq!(
            open(&path).unwrap_err().to_string(),
            format!(
                "{}: it is damaged (database disk image is malformed); restore a backup, or save what can be read with \
                 sqlite3 and .recover",
                path.display()
            )
        );
        assert!(file(&path) == before);
    }
}

/// The error of reading a run after this statement.
fn error_after(statement: &str) -> DatabaseError {
    let (_folder, path) = with_runs(1);
    let mut database = open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    assert_eq!(other.execute(statement, []), Ok(1), "{statement}");
    let error = database.begin().get(run(0).id()).unwrap_err();
    let of_all = runs(&database).unwrap_err();
    assert_eq!(error.to_string(), of_all.to_string());
    error
}

#[test]
fn a_damaged_value_is_an_error_that_names_the_run_and_the_column() {
    for (change, column) in [
        ("platform_status = 'walking'", "platform_status"),
        ("progress = 101", "progress"),
        ("progress = 'half'", "progress"),
        ("furthest_progress = -1", "furthest_progress"),
        ("live_status = CAST(x'ff' AS TEXT)", "live_status"),
        ("labels = '[]'", "labels"),
        ("labels = '{\"a\":1}'", "labels"),
        ("labels = '{\"\":\"\"}'", "labels"),
        ("queued_at = 'soon'", "queued_at"),
        ("started_at = ''", "started_at"),
        ("ended_at = '1'", "ended_at"),
        ("first_seen_at = 'x'", "first_seen_at"),
        ("last_seen_at = '2026-13-01'", "last_seen_at"),
    ] {
        let error = error_after(&format!("UPDATE runs SET {change}"));
        let expected = format!("{column} of run {}: ", run(0).id());
        assert!(error.to_string().contains(&expected), "{change}: {error}");
        assert_eq!(error.cause(), Cause::Damaged, "{change}");
    }
}

#[test]
fn an_output_that_is_none_is_an_error_that_names_the_run() {
    for change in [
        "json = '[]'",
        "json = '{'",
        "largest = -1",
        "json = CAST(x'ff' AS TEXT)",
    ] {
        let error = error_after(&format!("UPDATE outputs SET {change} WHERE output = 1"));
        let expected = format!("outputs of run {}: ", run(0).id());
        assert!(error.to_string().contains(&expected), "{change}: {error}");
        assert_eq!(error.cause(), Cause::Damaged, "{change}");
    }
}
