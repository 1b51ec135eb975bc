//! Why a file cannot be used, and what the errors of SQLite mean.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

use rusqlite::{ErrorCode, ffi::SQLITE_IOERR_SHMSIZE};

use crate::database::{Cause, DatabaseError};

/// Why a file cannot be opened or copied.
#[derive(Debug)]
pub struct FileError {
    /// The file that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: FileProblem,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum FileProblem {
    /// Its folder is not there.
    NoFolder,
    /// There is no file of this name.
    NoFile,
    /// There is a file of this name.
    Exists,
    /// It is a folder, or something else.
    NotAFile,
    /// Its name is not UTF-8.
    NotUtf8,
    /// It is no SQLite database.
    NotSqlite,
    /// It is an SQLite database of another program.
    NotOurs,
    /// A newer version has written it.
    Newer {
        /// Its version.
        found: i32,
        /// The newest version that can be read.
        known: i32,
    },
    /// It is not there, but its write-ahead log is.
    LogAlone,
    /// Another process serves from it.
    InUse,
    /// It, or its lock file, cannot be locked.
    Lock(io::Error),
    /// Its file system cannot do what SQLite's write-ahead mode needs.
    NoWriteAheadLog,
    /// It, or its folder, may not be written.
    NotWritable(io::Error),
    /// The system cannot do something with it.
    Io(io::Error),
    /// SQLite cannot do something with it.
    Database(DatabaseError),
}

impl FileError {
    pub(in crate::database) fn new(path: &Path, problem: impl Into<FileProblem>) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            FileProblem::NoFolder => {
                write!(
                    f,
                    "{path}: its folder does not exist; create it, or name another file"
                )
            }
            FileProblem::NoFile => write!(f, "{path}: there is no such file"),
            FileProblem::Exists => {
                write!(
                    f,
                    "{path}: there is such a file already; remove it, or name another one"
                )
            }
            FileProblem::NotAFile => write!(f, "{path}: it is not a file; name one"),
            FileProblem::NotUtf8 => {
                write!(f, "{path}: its name is not UTF-8; name another file")
            }
            FileProblem::NotSqlite => {
                write!(f, "{path}: it is not an SQLite database; name another file")
            }
            FileProblem::NotOurs => {
                write!(
                    f,
                    "{path}: it is a database of another program; name another file"
                )
            }
            FileProblem::Newer { found, known } => write!(
                f,
                "{path}: a newer version of this program wrote it (format {found}, this one reads up to {known}); \
                 use the newer version"
            ),
            FileProblem::InUse => write!(
                f,
                "{path}: another process serves from it; stop that one, or name another file"
            ),
            FileProblem::LogAlone => write!(
                f,
                "{path}: it is missing, but {path}-wal, a part of it, is not empty; put it back, or move that away, too"
            ),
            FileProblem::Lock(error) => write!(
                f,
                "{path}: it or {path}-lock cannot be locked ({error}); let this user write both files and their folder"
            ),
            FileProblem::NoWriteAheadLog => write!(
                f,
                "{path}: its file system cannot be used by SQLite's write-ahead mode; put it on a local disk"
            ),
            FileProblem::NotWritable(error) => write!(
                f,
                "{path}: it cannot be written ({error}); let this user write the file and its folder"
            ),
            FileProblem::Io(error) => {
                write!(f, "{path}: the system reports: {error}")
            }
            FileProblem::Database(error) if error.cause() == Cause::Damaged => write!(
                f,
                "{path}: {error}; restore a backup, or save what can be read with sqlite3 and .recover"
            ),
            FileProblem::Database(error) if error.cause() == Cause::ReadOnly => write!(
                f,
                "{path}: {error}; let this user write it, {path}-wal, {path}-shm and their folder"
            ),
            FileProblem::Database(error) => write!(f, "{path}: {error}"),
        }
    }
}

impl Error for FileError {}

impl From<DatabaseError> for FileProblem {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for FileProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(cause_of(&error), error)
    }
}

fn cause_of(error: &rusqlite::Error) -> Cause {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};

    let Some(of_sqlite) = error.sqlite_error() else {
        return match error {
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => {
                Cause::Damaged
            }
            _ => Cause::Other,
        };
    };
    match of_sqlite.code {
        ErrorCode::DiskFull => Cause::DiskFull,
        // There is no room for the index of the write-ahead log.
        _ if of_sqlite.extended_code == SQLITE_IOERR_SHMSIZE => Cause::DiskFull,
        ErrorCode::SystemIoFailure => Cause::DiskFailure,
        ErrorCode::ReadOnly => Cause::ReadOnly,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Cause::Locked,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Cause::Damaged,
        _ => Cause::Other,
    }
}
