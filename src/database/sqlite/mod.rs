//! SQLite: one file, in write-ahead mode, which one connection writes and others read meanwhile.

mod backup;
mod open;
mod read;
mod reader;
mod rows;
mod schema;
mod write;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::DatabaseError;

pub(super) use self::{backup::back_up, reader::Reader, write::Transaction};

/// The file, and the connection that writes it.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// What is found at the path.
    file: FileId,
    /// Locked as long as this is open. SQLite itself would let another process write, too.
    _lock: File,
}

/// Which file there is: a path can become that of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }
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
