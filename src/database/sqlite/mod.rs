//! SQLite: one file, in write-ahead mode, which one connection writes and others read meanwhile.

mod backup;
mod open;
mod read;
mod reader;
mod rows;
mod schema;
mod write;

use std::{fs::File, path::PathBuf};

use rusqlite::Connection;

pub(super) use self::{backup::back_up, reader::Reader, write::Transaction};

/// The file, and the connection that writes it.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Locked as long as this is open. SQLite itself would let another process write, too.
    _lock: File,
}
