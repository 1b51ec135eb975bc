//! Copying a database that may be in use.

use std::{
    fs::{self, File},
    io,
    path::{self, Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    FileError,
    error::FileProblem,
    file::{beside, check_header, check_version, folder, not_writable, resolve},
    open::BUSY_TIMEOUT,
    schema,
};
use crate::database::Cause;

/// Makes a consistent copy of the file `from` in the new file `to`. What is not complete never has that name.
pub(in crate::database) fn back_up(from: &Path, to: &Path) -> Result<(), FileError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        |problem| FileError { path, problem }
    };
    check_source(from).map_err(of(from))?;
    // From the root, so that SQLite takes no name for anything but a file.
    let from = &resolve(from)?;
    let absolute = path::absolute(to).map_err(|error| of(to)(FileProblem::Io(error)))?;
    let folder = folder(&absolute).map_err(of(to))?;
    let to = &absolute;
    if to.exists() {
        return Err(of(to)(FileProblem::Exists));
    }
    let partial = Partial::new(to)?;
    let name = partial.0.to_str();
    let name = name.ok_or_else(|| of(to)(FileProblem::NotUtf8))?;
    copy(from, name).map_err(|problem| match problem {
        // Nothing is written but the copy.
        FileProblem::Database(error) if error.cause() == Cause::DiskFull => {
            of(to)(FileProblem::Database(error))
        }
        problem => of(from)(problem),
    })?;
    complete(&partial.0, to, folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => of(to)(FileProblem::Exists),
        _ => of(to)(FileProblem::Io(error)),
    })
}

/// Checks that there is a database of this program.
fn check_source(path: &Path) -> Result<(), FileProblem> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FileProblem::NoFile),
        Err(error) => Err(FileProblem::Io(error)),
        Ok(file) if !file.is_file() => Err(FileProblem::NotAFile),
        Ok(file) if file.len() == 0 => Err(FileProblem::NotSqlite),
        Ok(_) => check_header(path),
    }
}

/// A copy that is removed unless it was completed.
struct Partial(PathBuf);

impl Partial {
    /// A new file beside `to`. Its name is its own: two copies to one name may be made at a time, and one that was killed
    /// leaves its file behind.
    fn new(to: &Path) -> Result<Self, FileError> {
        let path = beside(to, &format!(".partial-{:08x}", fastrand::u32(..)));
        match File::create_new(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) => Err(FileError {
                path: to.to_owned(),
                problem: not_writable(error),
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

fn copy(from: &Path, to: &str) -> Result<(), FileProblem> {
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
    // Unlike renaming it, this replaces no file that was made meanwhile.
    match fs::hard_link(partial, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // The file system has no hard links.
            fs::rename(partial, to)?;
        }
        linked => linked?,
    }
    File::open(folder)?.sync_all()
}
