//! SQLite: one file, in write-ahead mode, which one connection writes and others read meanwhile.

mod backup;
mod error;
mod file;
mod open;
mod read;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::path::PathBuf;

use rusqlite::Connection;

pub use self::error::FileError;
use self::file::{FileId, Lock};
pub(super) use self::{backup::back_up, reader::Reader, write::Transaction};
use super::{Cause, DatabaseError};

/// The file, and the connection that writes it.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// What is found at the path, and beside it as the log.
    files: [FileId; 2],
    /// SQLite itself would let another process write, too.
    lock: Lock,
}

impl Sqlite {
    /// Checks that the file and its log are still where they were. SQLite would go on with one that was removed, and at
    /// the end all of that were lost.
    fn check_files(&self) -> Result<(), DatabaseError> {
        match FileId::of_both(&self.path) {
            Ok(files) if files == self.files => Ok(()),
            _ => Err(DatabaseError::new(
                Cause::Moved,
                format!("{} or its write-ahead log", self.path.display()),
            )),
        }
    }
}
