//! Why the database cannot be used.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

use rusqlite::{ErrorCode, ffi::SQLITE_IOERR_SHMSIZE};

use crate::config::DatabaseUrl;

/// Why it cannot be read or written, in words for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no space left.
    DiskFull,
    /// The disk reports errors.
    DiskFailure,
    /// Nothing may be written there.
    ReadOnly,
    /// Another program uses it.
    Locked,
    /// What is in it makes no sense.
    Damaged,
    /// Its file was moved, removed or replaced.
    Moved,
    /// Anything else. The log says what.
    Other,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full",
            Self::DiskFailure => "the disk reports errors",
            Self::ReadOnly => "it is read-only",
            Self::Locked => "another program keeps it locked",
            Self::Damaged => "it is damaged",
            Self::Moved => "its file was moved, removed or replaced; restart the service",
            Self::Other => "it cannot be used; the log says why",
        })
    }
}

/// Why it cannot be read or written, with all details.
#[derive(Debug)]
pub struct DatabaseError {
    cause: Cause,
    details: Box<dyn Error + Send + Sync>,
}

impl DatabaseError {
    /// What everyone may know of it.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    pub(super) fn other(details: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Cause::Other,
            details: details.into(),
        }
    }

    pub(super) fn moved(path: &Path) -> Self {
        Self {
            cause: Cause::Moved,
            details: path.display().to_string().into(),
        }
    }

    pub(super) fn damaged(details: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Cause::Damaged,
            details: details.into(),
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cause, self.details)
    }
}

impl Error for DatabaseError {}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            cause: cause_of(&error),
            details: error.into(),
        }
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

/// Why the database cannot be opened or copied.
#[derive(Debug)]
pub struct OpenError {
    /// The file that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: OpenErrorReason,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum OpenErrorReason {
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
    /// Another process serves from it.
    InUse,
    /// Its file system cannot do what SQLite's write-ahead mode needs.
    NoWriteAheadLog,
    /// It, or its folder, may not be written.
    NotWritable(io::Error),
    /// The system cannot do something with it.
    Io(io::Error),
    /// SQLite cannot do something with it.
    Database(DatabaseError),
}

impl OpenError {
    /// For a database that was opened and then could not be read.
    #[must_use]
    pub fn new(url: &DatabaseUrl, error: DatabaseError) -> Self {
        let DatabaseUrl::Sqlite(path) = url;
        Self {
            path: path.clone(),
            reason: OpenErrorReason::Database(error),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            OpenErrorReason::NoFolder => {
                write!(
                    f,
                    "{path}: its folder does not exist; create it, or name another file"
                )
            }
            OpenErrorReason::NoFile => write!(f, "{path}: there is no such file"),
            OpenErrorReason::Exists => {
                write!(
                    f,
                    "{path}: there is such a file already; remove it, or name another one"
                )
            }
            OpenErrorReason::NotAFile => write!(f, "{path}: it is not a file; name one"),
            OpenErrorReason::NotUtf8 => {
                write!(f, "{path}: its name is not UTF-8; name another file")
            }
            OpenErrorReason::NotSqlite => {
                write!(f, "{path}: it is not an SQLite database; name another file")
            }
            OpenErrorReason::NotOurs => {
                write!(
                    f,
                    "{path}: it is a database of another program; name another file"
                )
            }
            OpenErrorReason::Newer { found, known } => write!(
                f,
                "{path}: a newer version of this program wrote it (format {found}, this one reads up to {known}); \
                 use the newer version"
            ),
            OpenErrorReason::InUse => write!(
                f,
                "{path}: another process serves from it; stop that one, or name another file"
            ),
            OpenErrorReason::NoWriteAheadLog => write!(
                f,
                "{path}: its file system cannot be used by SQLite's write-ahead mode; put it on a local disk"
            ),
            OpenErrorReason::NotWritable(error) => write!(
                f,
                "{path}: it cannot be written ({error}); let this user write the file and its folder"
            ),
            OpenErrorReason::Io(error) => {
                write!(
                    f,
                    "{path}: it cannot be opened ({error}); name another file"
                )
            }
            OpenErrorReason::Database(error) if error.cause() == Cause::Damaged => write!(
                f,
                "{path}: {error}; restore a backup, or save what can be read with sqlite3 and .recover"
            ),
            OpenErrorReason::Database(error) => write!(f, "{path}: {error}"),
        }
    }
}

impl Error for OpenError {}
