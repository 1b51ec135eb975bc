//! What is written is read again; a file that cannot be used is left as it is; copies.

mod backup;
mod damage;
mod foreign;
mod migrations;
mod opening;
mod round_trip;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rusqlite::{Connection, config::DbConfig};

use crate::{
    config::DatabaseUrl,
    database::{Database, DatabaseError, OpenError},
    run::Run,
    testing::{Folder, at, run_id, update},
};

fn open(path: &Path) -> Result<Database, OpenError> {
    Database::open(&DatabaseUrl::Sqlite(path.to_owned()))
}

/// A connection of another program. As long as it is there the log stays, even if it is closed last.
fn other_program(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    connection
}

/// The nth run, with two outputs.
fn run(n: usize) -> Run {
    let body = format!(
        r#"{{"status":"running","progress":{},"outputs":[{{"id":1}},{{"id":2}}]}}"#,
        n % 100
    );
    let update = update(&body).with_labels([("user", "116")].into_iter());
    let millis = i64::try_from(n).unwrap();
    Run::described_by(run_id(n), &update, at(millis), usize::MAX).0
}

fn put(database: &mut Database, run: &Run) -> Result<(), DatabaseError> {
    let mut transaction = database.begin();
    let before = transaction.get(run.id())?;
    transaction.put(before.as_ref(), run)?;
    transaction.commit()
}

/// All runs, the most recently updated first.
fn runs(database: &Database) -> Result<Vec<Run>, DatabaseError> {
    let mut runs = Vec::new();
    database.most_recent(|run| {
        runs.push(run);
        true
    })?;
    Ok(runs)
}

/// A folder with a database of so many runs, which was closed.
fn with_runs(count: usize) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let path = folder.join("runs.db");
    let mut database = open(&path).unwrap();
    let mut transaction = database.begin();
    for n in 0..count {
        transaction.put(None, &run(n)).unwrap();
    }
    transaction.commit().unwrap();
    database.close();
    (folder, path)
}

/// The files in a folder, but for the lock: their bytes, and when they were written.
fn files(folder: &Folder) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let is_content =
        |path: &PathBuf| path.is_file() && !path.as_os_str().as_encoded_bytes().ends_with(b"-lock");
    fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(is_content)
        .map(|path| (path.clone(), file(&path)))
        .collect()
}

/// The bytes of a file, and when it was written.
fn file(path: &Path) -> (Vec<u8>, SystemTime) {
    let modified = path.metadata().unwrap().modified().unwrap();
    (fs::read(path).unwrap(), modified)
}

/// The same, but for the index of a log, which belongs to those who read, and a log with nothing in it.
fn contents(folder: &Folder) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut files = files(folder);
    files.retain(|path, (bytes, _)| {
        let name = path.as_os_str().as_encoded_bytes();
        let is_empty_log = bytes.is_empty() && name.ends_with(b"-wal");
        !name.ends_with(b"-shm") && !is_empty_log
    });
    files
}

/// Opens a file that cannot be used. Checks that it and all beside it is as it was. Returns the error.
fn rejected(folder: &Folder, path: &Path) -> String {
    let before = files(folder);
    let error = open(path).unwrap_err();
    assert!(files(folder) == before, "{error}, and a file was changed");
    error.to_string()
}

/// The same for a database of this program, which has to be opened to know that.
fn rejected_ours(folder: &Folder, path: &Path) -> String {
    let before = contents(folder);
    let error = open(path).unwrap_err();
    assert!(
        contents(folder) == before,
        "{error}, and a file was changed"
    );
    error.to_string()
}
