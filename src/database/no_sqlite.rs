//! What stands for SQLite in a build without it. No file can be opened, so there is no value of these types.

use std::{
    error::Error,
    fmt,
    future::Ready,
    path::{Path, PathBuf},
};

use super::{DatabaseError, Size};
use crate::run::{Run, RunId, Timestamp};

/// In place of the connection that writes.
#[derive(Debug)]
pub enum Sqlite {}

/// In place of a connection that reads.
#[derive(Debug, Clone)]
pub enum Reader {}

/// In place of what reads and writes all or nothing.
pub(super) type Transaction<'d> = &'d mut Sqlite;

/// Why no file can be opened or copied.
#[derive(Debug)]
pub struct FileError(PathBuf);

impl FileError {
    pub(super) fn new(path: &Path, _: DatabaseError) -> Self {
        Self(path.to_owned())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.display();
        write!(
            f,
            "{path}: this build has no SQLite; build the program with the feature sqlite"
        )
    }
}

impl Error for FileError {}

pub(super) fn back_up(from: &Path, _: &Path) -> Result<(), FileError> {
    Err(FileError(from.to_owned()))
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        Err(FileError(path.to_owned()))
    }

    pub(super) const fn reader(&self) -> Result<Reader, FileError> {
        match *self {}
    }

    pub(super) const fn check(&mut self) -> Result<(), DatabaseError> {
        match *self {}
    }

    pub(super) fn most_recent(&self, _: impl FnMut(Run) -> bool) -> Result<(), DatabaseError> {
        match *self {}
    }

    pub(super) const fn begin(&mut self) -> Transaction<'_> {
        self
    }

    pub(super) const fn remove_older(
        &mut self,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<RunId>, DatabaseError> {
        match *self {}
    }

    pub(super) const fn close(self) {
        match self {}
    }

    pub(super) const fn probe(&mut self) -> Result<(), DatabaseError> {
        match *self {}
    }

    pub(super) const fn get(&self, _: RunId) -> Result<Option<Run>, DatabaseError> {
        match *self {}
    }

    pub(super) const fn put(&mut self, _: Option<&Run>, _: &Run) -> Result<(), DatabaseError> {
        match *self {}
    }

    pub(super) const fn commit(&mut self) -> Result<(), DatabaseError> {
        match *self {}
    }
}

impl Reader {
    pub(super) const fn get(&self, _: RunId) -> Ready<Result<Option<Run>, DatabaseError>> {
        match *self {}
    }

    pub(super) const fn size(&self) -> Size {
        match *self {}
    }
}
