//! Files that are no database of this version: each has its error, and stays as it is.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use rusqlite::Connection;

use super::{open, other_program, rejected, rejected_ours, with_runs};
use crate::{
    database::{OpenError, sqlite::file::not_writable},
    testing::{Folder, skipped},
};

/// Checks the error of a file with these bytes.
fn assert_rejected(bytes: &[u8], expected: &str) {
    let folder = Folder::new();
    let path = folder.join("runs.db");
    fs::write(&path, bytes).unwrap();
    let error = rejected(&folder, &path);
    assert_eq!(error, format!("{}: {expected}", path.display()));
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside it, not even a lock");
}

const NOT_SQLITE: &str = "it is not an SQLite database; name another file";
const NOT_OURS: &str = "it is a database of another program; name another file";
const NEWER: &str = "a newer version of this program wrote it (format 99, this one reads up to 1); use the newer version";

#[test]
fn a_file_that_is_not_an_sqlite_database_is_not_opened() {
    for bytes in [b"\n".to_vec(), b"SQLite format 3\0".to_vec(), vec![0; 4096]] {
        assert_rejected(&bytes, NOT_SQLITE);
    }
}

#[test]
fn the_beginning_of_a_database_is_none() {
    let (_folder, path) = with_runs(1);
    assert_rejected(&fs::read(&path).unwrap()[..99], NOT_SQLITE);
}

#[test]
fn a_database_of_another_program_is_not_opened() {
    let folder = Folder::new();
    let path = folder.join("other.db");
    let other = other_program(&path);
    other.execute_batch("CREATE TABLE runs (a)").unwrap();
    drop(other);
    let expected = format!("{}: {NOT_OURS}", path.display());
    assert_eq!(rejected(&folder, &path), expected);
    let other = other_program(&path);
    let in_log = "PRAGMA journal_mode = WAL; INSERT INTO runs VALUES (1);";
    other.execute_batch(in_log).unwrap();
    for is_open in [true, false] {
        assert!(folder.join("other.db-wal").metadata().unwrap().len() > 0);
        assert_eq!(
            rejected(&folder, &path),
            expected,
            "while it is open: {is_open}"
        );
        if is_open {
            drop(other_program(&path));
        }
    }
    drop(other);
    assert_eq!(rejected(&folder, &path), expected);
}

#[test]
fn a_database_of_a_newer_version_is_not_opened() {
    let (folder, path) = with_runs(1);
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    assert_eq!(fs::read(&path).unwrap()[60..64], [0, 0, 0, 99]);
    assert_eq!(
        rejected(&folder, &path),
        format!("{}: {NEWER}", path.display())
    );
}

#[test]
fn a_database_of_which_only_the_log_is_of_a_newer_version_is_not_opened() {
    let (folder, path) = with_runs(1);
    let other = other_program(&path);
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    assert_eq!(fs::read(&path).unwrap()[60..64], [0, 0, 0, 1]);
    for _ in 0..2 {
        assert_eq!(
            rejected_ours(&folder, &path),
            format!("{}: {NEWER}", path.display())
        );
    }
}

#[test]
fn a_file_in_a_folder_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let path = folder.join("none/runs.db");
    let expected = "its folder does not exist; create it, or name another file";
    assert_eq!(
        rejected(&folder, &path),
        format!("{}: {expected}", path.display())
    );
    assert!(!folder.join("none").exists());
}

#[test]
fn a_folder_is_not_opened() {
    let folder = Folder::new();
    for path in [folder.path(), Path::new("/dev/null")] {
        let expected = format!("{}: it is not a file; name one", path.display());
        assert_eq!(open(path).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_file_that_may_not_be_written_is_not_opened() {
    let (folder, path) = with_runs(1);
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    if File::options().write(true).open(&path).is_ok() {
        // Root may. The next test is for everyone.
        return skipped("this user may write read-only files");
    }
    let expected = "it cannot be written (Permission denied (os error 13)); let this user write the file and its folder";
    assert_eq!(
        rejected(&folder, &path),
        format!("{}: {expected}", path.display())
    );
}

#[test]
fn what_may_not_be_written_is_an_error_that_says_what_to_do() {
    const EACCES: i32 = 13;
    const EROFS: i32 = 30;
    for (code, text) in [
        (EACCES, "Permission denied (os error 13)"),
        (EROFS, "Read-only file system (os error 30)"),
    ] {
        let error = OpenError {
            path: "runs.db".into(),
            reason: not_writable(io::Error::from_raw_os_error(code)),
        };
        let expected = format!(
            "runs.db: it cannot be written ({text}); let this user write the file and its folder"
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_folder_in_which_nobody_may_make_files_takes_no_database() {
    // Not even root may.
    let folder = Path::new("/sys");
    if !folder.is_dir() {
        return skipped("there is no /sys");
    }
    let error = open(&folder.join("runs.db")).unwrap_err().to_string();
    assert!(
        error.starts_with("/sys/runs.db: it cannot be written ("),
        "{error}"
    );
}
