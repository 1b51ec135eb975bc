//! The file of a database: what can be said of it before SQLite opens it.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{self, Path, PathBuf},
};

use super::schema::{APPLICATION_ID, VERSION};
use crate::database::{OpenError, error::OpenErrorReason};

/// Bytes at the beginning of a file that say what it is (SQLite's documentation of its file format, section 1.3).
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const USER_VERSION: usize = 60;
const APPLICATION: usize = 68;

/// Which file there is: a path can become that of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

/// The file itself, if the path is that of a symbolic link: its log and its lock are beside the file. From the root, so
/// that SQLite takes no name for anything but a file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let resolved = match (path.canonicalize(), fs::read_link(path)) {
        // SQLite makes the file to which the link points.
        (Err(error), Ok(target)) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path);
            return resolve(&folder.join(target));
        }
        (Err(error), _) if error.kind() == ErrorKind::NotFound => path::absolute(path),
        (resolved, _) => resolved,
    };
    resolved.map_err(|error| OpenError {
        path: path.to_owned(),
        reason: OpenErrorReason::Io(error),
    })
}

pub(super) fn check_folder(path: &Path) -> Result<(), OpenErrorReason> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(OpenErrorReason::NoFolder);
    }
    match fs::metadata(path) {
        Ok(file) if !file.is_file() => Err(OpenErrorReason::NotAFile),
        _ => Ok(()),
    }
}

/// The path of a file beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Locks a file beside the database. It stays when the process ends, but its lock does not.
pub(super) fn lock(path: &Path) -> Result<File, OpenErrorReason> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(path, "-lock"))
        .map_err(not_writable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenErrorReason::InUse),
        Err(TryLockError::Error(error)) => Err(OpenErrorReason::Io(error)),
    }
}

pub(super) fn not_writable(error: io::Error) -> OpenErrorReason {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            OpenErrorReason::NotWritable(error)
        }
        _ => OpenErrorReason::Io(error),
    }
}

/// Checks that a file, if there is one, is a database of this program. An empty file becomes one.
pub(super) fn check_header(path: &Path) -> Result<(), OpenErrorReason> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(not_writable(error)),
    };
    let mut header = Vec::new();
    file.take(HEADER as u64)
        .read_to_end(&mut header)
        .map_err(OpenErrorReason::Io)?;
    // If the power was cut while it was made, its beginning may be missing. SQLite undoes the rest.
    let is_blank = header.iter().all(|byte| *byte == 0);
    if is_blank && (header.is_empty() || beside(path, "-journal").exists()) {
        return Ok(());
    }
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Err(OpenErrorReason::NotSqlite);
    }
    let number = |at: usize| {
        let bytes = header[at..].first_chunk();
        i32::from_be_bytes(*bytes.expect("the header is longer than this"))
    };
    if number(APPLICATION) != APPLICATION_ID {
        return Err(OpenErrorReason::NotOurs);
    }
    check_version(number(USER_VERSION))
}

pub(super) fn check_version(found: i32) -> Result<(), OpenErrorReason> {
    if found > VERSION {
        let known = VERSION;
        return Err(OpenErrorReason::Newer { found, known });
    }
    Ok(())
}
