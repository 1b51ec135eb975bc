//! Opening a file: first everything is checked that can be checked without changing it.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    Sqlite,
    reader::Reader,
    schema::{self, APPLICATION_ID, VERSION},
};
use crate::database::{DatabaseError, OpenError, error::OpenErrorReason};

/// Bytes at the beginning of a file that say what it is (SQLite's documentation of its file format, section 1.3).
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const USER_VERSION: usize = 60;
const APPLICATION: usize = 68;

/// How long to wait for another program that has locked the file, such as a shell.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the write-ahead log after which a commit also moves them to the database: 32 MiB.
const CHECKPOINT_PAGES: i32 = 8_000;

/// Bytes to which the write-ahead log is cut when it has grown beyond, as under a reader that stays open.
const WAL_LIMIT: i32 = 64 * 1024 * 1024;

impl Sqlite {
    /// Opens the file for this process alone, and creates it if there is none.
    pub(in crate::database) fn open(path: &Path) -> Result<Self, OpenError> {
        let path = resolve(path)?;
        let open = || {
            check_folder(&path)?;
            let lock = lock(&path)?;
            check_header(&path)?;
            let connection = connect(&path)?;
            Ok((lock, connection))
        };
        match open() {
            Ok((lock, connection)) => Ok(Self {
                connection,
                path,
                _lock: lock,
            }),
            Err(reason) => Err(OpenError { path, reason }),
        }
    }

    /// A connection that reads what this one has committed.
    pub(in crate::database) fn reader(&self) -> Result<Reader, OpenError> {
        let open = || {
            let connection = read_only(&self.path)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| OpenError {
            path: self.path.clone(),
            reason: error.into(),
        })?;
        Ok(Reader::new(connection, self.path.clone()))
    }
}

/// The file itself, if the path is that of a symbolic link: its log and its lock are beside the file.
fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(OpenError {
            path: path.to_owned(),
            reason: OpenErrorReason::Io(error),
        }),
    }
}

fn check_folder(path: &Path) -> Result<(), OpenErrorReason> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(OpenErrorReason::NoFolder);
    }
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => Err(OpenErrorReason::NotAFile),
        _ => Ok(()),
    }
}

/// The path of a file beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Locks a file beside the database. It stays when the process ends, but its lock does not.
fn lock(path: &Path) -> Result<File, OpenErrorReason> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(path, "-lock"))
        .map_err(not_writable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenErrorReason::InUse),
        Err(TryLockError::Error(error)) => Err(OpenErrorReason::Io(error)),
    }
}

fn not_writable(error: io::Error) -> OpenErrorReason {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            OpenErrorReason::NotWritable(error)
        }
        _ => OpenErrorReason::Io(error),
    }
}

/// Checks that a file, if there is one, is a database of this program. An empty file becomes one.
pub(super) fn check_header(path: &Path) -> Result<(), OpenErrorReason> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(not_writable(error)),
    };
    let mut header = Vec::new();
    file.take(HEADER as u64)
        .read_to_end(&mut header)
        .map_err(OpenErrorReason::Io)?;
    if header.is_empty() {
        return Ok(());
    }
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Err(OpenErrorReason::NotSqlite);
    }
    let number = |at: usize| {
        let bytes = header[at..].first_chunk();
        i32::from_be_bytes(*bytes.expect("the header is longer than this"))
    };
    if number(APPLICATION) != APPLICATION_ID {
        return Err(OpenErrorReason::NotOurs);
    }
    check_version(number(USER_VERSION))
}

fn check_version(found: i32) -> Result<(), OpenErrorReason> {
    if found > VERSION {
        let known = VERSION;
        return Err(OpenErrorReason::Newer { found, known });
    }
    Ok(())
}

/// Opens the file for writing, and brings it to the present version.
fn connect(path: &Path) -> Result<Connection, OpenErrorReason> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The header may be older than what is in the log. If this version must not touch it, neither does closing it.
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
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Opens a file that is there, to read it.
pub(super) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

impl From<rusqlite::Error> for OpenErrorReason {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(DatabaseError::from(error))
    }
}
