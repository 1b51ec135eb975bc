//! Opening a file: first everything is checked that can be checked without changing it.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    FileError, Sqlite,
    error::FileProblem,
    file::{FileId, Lock, check_header, check_version, folder, resolve},
    reader::Reader,
    schema,
};

/// How long to wait for another program that has locked the file, such as a shell.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the write-ahead log after which a commit also moves them to the database: 32 MiB.
const CHECKPOINT_PAGES: i32 = 8_000;

/// Bytes to which the write-ahead log is cut when it has grown beyond, as under a reader that stays open.
const WAL_LIMIT: i32 = 64 * 1024 * 1024;

impl Sqlite {
    /// Opens the file for this process alone, and creates it if there is none.
    pub(in crate::database) fn open(path: &Path) -> Result<Self, FileError> {
        let path = resolve(path)?;
        let open = || {
            folder(&path)?;
            if path.exists() && !path.is_file() {
                return Err(FileProblem::NotAFile);
            }
            // A file that is not ours gets no lock beside it.
            check_header(&path)?;
            let lock = Lock::new(&path)?;
            // Until now another process may have changed it.
            check_header(&path)?;
            let connection = connect(&path)?;
            let files = FileId::of_both(&path).map_err(FileProblem::Io)?;
            Ok((lock, connection, files))
        };
        match open() {
            Ok((lock, connection, files)) => Ok(Self {
                connection,
                path,
                files,
                lock,
            }),
            Err(problem) => Err(FileError { path, problem }),
        }
    }

    /// A connection that reads what this one has committed.
    pub(in crate::database) fn reader(&self) -> Result<Reader, FileError> {
        let open = || {
            let connection = read_only(&self.path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| FileError {
            path: self.path.clone(),
            problem: error.into(),
        })?;
        Ok(Reader::new(connection, self.path.clone()))
    }
}

/// Opens the file for writing, and brings it to the present version.
fn connect(path: &Path) -> Result<Connection, FileProblem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Whatever is wrong with the file, to close it does not move the log into it. The header may be older than the log, too.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    check_version(schema::version(&connection)?)?;
    // On macOS a sync without these may end before the data is on disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Before write-ahead mode, so that the header itself says whose file it is from the beginning on.
    schema::migrate(&mut connection)?;
    use_write_ahead_log(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Turns on write-ahead mode, for which a file system has to let processes share memory.
fn use_write_ahead_log(connection: &Connection) -> Result<(), FileProblem> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(FileProblem::NoWriteAheadLog);
    }
    // The first read makes the log.
    schema::version(connection)?;
    Ok(())
}

/// Opens a file that is there, to read it.
pub(super) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}
