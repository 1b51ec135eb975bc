//! Why the database cannot be used.

use std::{error::Error, fmt};

use super::sqlite::FileError;
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
            Self::Moved => "its file or its log was moved, removed or replaced; put it back",
            Self::Other => "SQLite reports an error; the log says which",
        })
    }
}

/// Why it cannot be read or written, with all details.
#[derive(Debug)]
pub struct DatabaseError {
    cause: Cause,
    details: String,
}

impl DatabaseError {
    /// What everyone may know of it.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Of the details the first line is kept. The others, if there are any, are SQL.
    #[must_use]
    pub fn new(cause: Cause, details: impl fmt::Display) -> Self {
        let details = details.to_string();
        let details = details.lines().next().unwrap_or_default().to_owned();
        Self { cause, details }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cause, self.details)
    }
}

impl Error for DatabaseError {}

/// Why the database cannot be opened or copied.
#[derive(Debug)]
pub enum OpenError {
    /// Something is wrong with its file.
    Sqlite(FileError),
}

impl OpenError {
    /// For a database that was opened and then could not be read.
    #[must_use]
    pub fn new(url: &DatabaseUrl, error: DatabaseError) -> Self {
        match url {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(FileError::new(path, error)),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl Error for OpenError {}

impl From<FileError> for OpenError {
    fn from(error: FileError) -> Self {
        Self::Sqlite(error)
    }
}
