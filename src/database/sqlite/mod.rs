//! SQLite: one file, in write-ahead mode, which one connection writes and others read meanwhile.

mod backup;
mod file;
mod open;
mod read;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::{fs::File, path::PathBuf};

use rusqlite::Connection;

use self::file::FileId;
pub(super) use self::{backup::back_up, reader::Reader, write::Transaction};
use super::DatabaseError;

/// The file, and the connection that writes it.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// What is found at the path.
    file: FileId,
    /// Locked as long as this is open. SQLite itself would let another process write, too.
    lock: File,
}

impl Sqlite {
    /// Checks that the file is still where it was. SQLite would go on with one that was removed, and at its end all of
    /// that were lost.
    fn check_file(&self) -> Result<(), DatabaseError> {
        match FileId::of(&self.path) {
            Ok(file) if file == self.file => Ok(()),
            _ => Err(DatabaseError::moved(&self.path)),
        }
    }
}
