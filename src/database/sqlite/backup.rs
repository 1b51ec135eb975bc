//! Copying a database that may be in use.

use std::{
    fs::{self, File},
    io,
    path::{self, Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    file::{beside, check_header, check_version, not_writable, resolve},
    open::BUSY_TIMEOUT,
    schema,
};
use crate::database::{Cause, OpenError, error::OpenErrorReason};

/// Makes a consistent copy of the file `from` in the new file `to`. What is not complete never has that name.
pub(in crate::database) fn back_up(from: &Path, to: &Path) -> Result<(), OpenError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        |reason| OpenError { path, reason }
    };
    check_source(from).map_err(of(from))?;
    let folder = folder(to);
    if !folder.is_dir() {
        return Err(of(to)(OpenErrorReason::NoFolder));
    }
    // From the root, so that SQLite takes no name for anything but a file.
    let from = &resolve(from)?;
    let to = &path::absolute(to).map_err(|error| of(to)(OpenErrorReason::Io(error)))?;
    let partial = Partial::new(to)?;
    // Now no other copy to this name can be made.
    if to.exists() {
        return Err(of(to)(OpenErrorReason::Exists));
    }
    let name = partial.0.to_str();
    let name = name.ok_or_else(|| of(to)(OpenErrorReason::NotUtf8))?;
    copy(from, name).map_err(|reason| match reason {
        // Nothing is written but the copy.
        OpenErrorReason::Database(error) if error.cause() == Cause::DiskFull => {
            of(to)(OpenErrorReason::Database(error))
        }
        reason => of(from)(reason),
    })?;
    complete(&partial.0, to, folder).map_err(|error| of(to)(OpenErrorReason::Io(error)))
}

/// Checks that there is a database of this program.
fn check_source(path: &Path) -> Result<(), OpenErrorReason> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenErrorReason::NoFile),
        Err(error) => Err(OpenErrorReason::Io(error)),
        Ok(file) if !file.is_file() => Err(OpenErrorReason::NotAFile),
        Ok(file) if file.len() == 0 => Err(OpenErrorReason::NotSqlite),
        Ok(_) => check_header(path),
    }
}

/// A copy that is removed unless it was completed.
struct Partial(PathBuf);

impl Partial {
    /// An empty file beside `to`, for which there is none yet.
    fn new(to: &Path) -> Result<Self, OpenError> {
        let path = beside(to, ".partial");
        match File::create_new(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenError {
                path,
                reason: OpenErrorReason::Exists,
            }),
            Err(error) => Err(OpenError {
                path: to.to_owned(),
                reason: not_writable(error),
            }),
        }
    }
}

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

fn copy(from: &Path, to: &str) -> Result<(), OpenErrorReason> {
    // To read the write-ahead log, SQLite may have to make its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The log of a process that was killed stays as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    check_version(schema::version(&connection)?)?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Gives a whole copy its name once it is on disk.
fn complete(partial: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    File::open(partial)?.sync_all()?;
    fs::rename(partial, to)?;
    File::open(folder)?.sync_all()
}
