//! The file of a database: what can be said of it before SQLite opens it.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{self, Path, PathBuf},
};

use super::{
    FileError,
    error::FileProblem,
    schema::{APPLICATION_ID, VERSION},
};

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
    /// That of a database, and that of its write-ahead log.
    pub(super) fn of_both(path: &Path) -> io::Result<[Self; 2]> {
        Ok([Self::of(path)?, Self::of(&beside(path, "-wal"))?])
    }

    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }
}

/// The file itself, if the path is that of a symbolic link: its log and its lock are beside the file. From the root, so
/// that SQLite takes no name for anything but a file.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let resolved = match (path.canonicalize(), fs::read_link(path)) {
        // SQLite makes the file to which the link points.
        (Err(error), Ok(target)) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path);
            return resolve(&folder.join(target));
        }
        (Err(error), _) if error.kind() == ErrorKind::NotFound => path::absolute(path),
        (resolved, _) => resolved,
    };
    resolved.map_err(|error| FileError {
        path: path.to_owned(),
        problem: FileProblem::Io(error),
    })
}

/// The folder of a file whose path is from the root.
pub(super) fn folder(path: &Path) -> Result<&Path, FileProblem> {
    path.parent()
        .filter(|folder| folder.is_dir())
        .ok_or(FileProblem::NoFolder)
}

/// The path of a file beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// What keeps other processes from serving from the same file, as long as this exists.
#[derive(Debug)]
pub(super) struct Lock {
    /// A file beside the database. It stays when the process ends, but its lock does not.
    beside: File,
    /// The database, which can have several names, and whose lock file can be removed. On other systems than Linux this
    /// lock would conflict with those of SQLite.
    itself: Option<File>,
}

impl Lock {
    pub(super) fn new(path: &Path) -> Result<Self, FileProblem> {
        let lock = |path: &Path| {
            let mut options = File::options();
            let options = options.create(true).truncate(false).write(true);
            let file = options.open(path).map_err(FileProblem::Lock)?;
            match file.try_lock() {
                Ok(()) => Ok(file),
                Err(TryLockError::WouldBlock) => Err(FileProblem::InUse),
                Err(TryLockError::Error(error)) => Err(FileProblem::Lock(error)),
            }
        };
        let beside = lock(&beside(path, "-lock"))?;
        let itself = cfg!(target_os = "linux").then(|| lock(path)).transpose()?;
        Ok(Self { beside, itself })
    }

    /// To drop it is not enough: a process that is just being started may have inherited it.
    pub(super) fn unlock(self) {
        for file in [Some(self.beside), self.itself].into_iter().flatten() {
            let _ = file.unlock();
        }
    }
}

pub(super) fn not_writable(error: io::Error) -> FileProblem {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            FileProblem::NotWritable(error)
        }
        _ => FileProblem::Io(error),
    }
}

/// Checks that a file, if there is one, is a database of this program. An empty file becomes one.
pub(super) fn check_header(path: &Path) -> Result<(), FileProblem> {
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return check_no_log(path),
        Err(error) => return Err(not_writable(error)),
    };
    let mut header = Vec::new();
    file.take(HEADER as u64)
        .read_to_end(&mut header)
        .map_err(FileProblem::Io)?;
    // If the power was cut while it was made, its beginning may be missing. SQLite undoes the rest.
    let is_blank = header.iter().all(|byte| *byte == 0);
    if is_blank && (header.is_empty() || beside(path, "-journal").exists()) {
        return check_no_log(path);
    }
    if header.len() < HEADER || !header.starts_with(MAGIC) {
        return Err(FileProblem::NotSqlite);
    }
    let number = |at: usize| {
        let bytes = header[at..].first_chunk();
        i32::from_be_bytes(*bytes.expect("the header is longer than this"))
    };
    if number(APPLICATION) != APPLICATION_ID {
        return Err(FileProblem::NotOurs);
    }
    match number(USER_VERSION) {
        ..1 => Err(FileProblem::NotOurs),
        version => check_version(version),
    }
}

/// Checks that there is no log of a database that is not there: SQLite would remove it.
fn check_no_log(path: &Path) -> Result<(), FileProblem> {
    match fs::metadata(beside(path, "-wal")) {
        Ok(log) if log.len() > 0 => Err(FileProblem::LogAlone),
        _ => Ok(()),
    }
}

pub(super) fn check_version(found: i32) -> Result<(), FileProblem> {
    if found > VERSION {
        let known = VERSION;
        return Err(FileProblem::Newer { found, known });
    }
    Ok(())
}
