//! Copying a database that may be in use.

use std::{
    fs::{self, File},
    io,
    path::{self, Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::open::{BUSY_TIMEOUT, beside, check_header};
use crate::database::{OpenError, error::OpenErrorReason};

/// Makes a consistent copy of the file `from` in the new file `to`. What is not complete never has that name.
pub(in crate::database) fn back_up(from: &Path, to: &Path) -> Result<(), OpenError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        |reason| OpenError { path, reason }
    };
    if !from.exists() {
        return Err(of(from)(OpenErrorReason::NoFile));
    }
    check_header(from).map_err(of(from))?;
    if to.exists() {
        return Err(of(to)(OpenErrorReason::Exists));
    }
    let folder = folder(to);
    if !folder.is_dir() {
        return Err(of(to)(OpenErrorReason::NoFolder));
    }
    // From the root, so that SQLite takes no name for anything but a file.
    let to = &path::absolute(to).map_err(|error| of(to)(OpenErrorReason::Io(error)))?;
    let partial = Partial(beside(to, ".partial"));
    let _ = fs::remove_file(&partial.0);
    let name = partial
        .0
        .to_str()
        .ok_or_else(|| of(to)(OpenErrorReason::NotUtf8))?;
    copy(from, name).map_err(|error| of(from)(error.into()))?;
    complete(&partial.0, to, folder).map_err(|error| of(to)(OpenErrorReason::Io(error)))
}

/// A copy that is removed unless it was completed.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // It is not there any more if it was completed.
        let _ = fs::remove_file(&self.0);
    }
}

fn folder(path: &Path) -> &Path {
    let parent = path.parent();
    let named = parent.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

fn copy(from: &Path, to: &str) -> rusqlite::Result<()> {
    // To read the write-ahead log, SQLite may have to make its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Gives a whole copy its name once it is on disk.
fn complete(partial: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, to)?;
    File::open(folder)?.sync_all()
}
