//! The database that keeps the runs on disk. A closed enum: each variant is an engine. What is written is the joined state
//! of a run; to join is not done here.

mod error;
#[cfg_attr(not(feature = "sqlite"), path = "no_sqlite.rs")]
mod sqlite;

use std::path::Path;

pub use self::{
    error::{Cause, DatabaseError, OpenError},
    sqlite::FileError,
};
use crate::{
    config::DatabaseUrl,
    run::{Run, RunId, Timestamp},
};

/// The database, for the one that writes.
#[derive(Debug)]
pub enum Database {
    /// A file on this machine.
    Sqlite(sqlite::Sqlite),
}

/// The database, for those that read.
#[derive(Debug, Clone)]
pub enum Reader {
    /// A file on this machine.
    Sqlite(sqlite::Reader),
}

/// What reads and writes runs, all together or not at all.
#[derive(Debug)]
pub enum Transaction<'d> {
    /// Of a file on this machine.
    Sqlite(sqlite::Transaction<'d>),
}

/// The size of a database on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of the database itself.
    pub database: u64,
    /// Bytes of its write-ahead log.
    pub wal: u64,
}

impl Database {
    /// Opens the database for this process alone, and creates it if there is none.
    ///
    /// # Errors
    /// When it cannot be used. Then it is as it was.
    pub fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        match url {
            DatabaseUrl::Sqlite(path) => Ok(Self::Sqlite(sqlite::Sqlite::open(path)?)),
        }
    }

    /// What reads beside this one.
    ///
    /// # Errors
    /// When it cannot be opened once more.
    pub fn reader(&self) -> Result<Reader, OpenError> {
        match self {
            Self::Sqlite(sqlite) => Ok(Reader::Sqlite(sqlite.reader()?)),
        }
    }

    /// Looks for damage, for a short time.
    ///
    /// # Errors
    /// When it is damaged, or cannot be read.
    pub fn check(&mut self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.check(),
        }
    }

    /// Calls `take` with the runs, the most recently updated first, until there are no more or `take` returns false.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn most_recent(&self, take: impl FnMut(Run) -> bool) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.most_recent(take),
        }
    }

    /// Begins to read and write. Nothing is written unless it is committed.
    pub const fn begin(&mut self) -> Transaction<'_> {
        match self {
            Self::Sqlite(sqlite) => Transaction::Sqlite(sqlite.begin()),
        }
    }

    /// Removes at most `most` of the runs that were last updated before this time. Returns which.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn remove_older(
        &mut self,
        than: Timestamp,
        most: usize,
    ) -> Result<Vec<RunId>, DatabaseError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.remove_older(than, most),
        }
    }

    /// Leaves the database in its file alone, as far as others let it.
    pub fn close(self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close(),
        }
    }

    /// Writes something that changes nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn probe(&mut self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.probe(),
        }
    }
}

impl Transaction<'_> {
    /// A run as the database has it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&mut self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        match self {
            Self::Sqlite(transaction) => transaction.get(run_id),
        }
    }

    /// Writes what a run became that was as `before` in the database, if it was there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, before: Option<&Run>, after: &Run) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(transaction) => transaction.put(before, after),
        }
    }

    /// Makes all of it durable. When it returns an error, that may still have happened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn commit(self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit(),
        }
    }
}

impl Reader {
    /// A run as it was committed last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, run_id: RunId) -> Result<Option<Run>, DatabaseError> {
        match self {
            Self::Sqlite(reader) => reader.get(run_id).await,
        }
    }

    /// Its size, as far as it can be told.
    #[must_use]
    pub fn size(&self) -> Size {
        match self {
            Self::Sqlite(reader) => reader.size(),
        }
    }
}

/// Makes a consistent copy of the database in a new file. It may be in use.
///
/// # Errors
/// When it cannot be read, or the copy cannot be written.
pub fn back_up(url: &DatabaseUrl, to: &Path) -> Result<(), OpenError> {
    match url {
        DatabaseUrl::Sqlite(path) => Ok(sqlite::back_up(path, to)?),
    }
}
