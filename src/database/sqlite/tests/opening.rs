//! Files that can be opened, and those that cannot for the time being.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{files, open, other_program, put, rejected, rejected_ours, run, runs, with_runs};
use crate::{
    database::{Cause, sqlite::file::resolve},
    testing::{Folder, at},
};

#[test]
fn a_new_file_and_an_empty_file_become_a_database() {
    let folder = Folder::new();
    for name in ["new.db", "empty.db", "with space, 100% ? # 😀.db"] {
        let path = folder.join(name);
        if name == "empty.db" {
            fs::write(&path, "").unwrap();
        }
        put(&mut open(&path).unwrap(), &run(1)).unwrap();
        assert_eq!(runs(&open(&path).unwrap()).unwrap(), [run(1)], "{name}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_database_under_another_name_or_without_its_lock_file_is_still_in_use() {
    let (folder, path) = with_runs(1);
    let other_name = folder.join("other.db");
    fs::hard_link(&path, &other_name).unwrap();
    let _used = open(&path).unwrap();
    fs::remove_file(folder.join("runs.db-lock")).unwrap();
    for path in [&path, &other_name] {
        let error = open(path).unwrap_err().to_string();
        assert!(error.contains("another process serves from it"), "{error}");
    }
}

#[test]
fn a_log_whose_database_is_missing_is_kept() {
    let (folder, path) = with_runs(0);
    let log = folder.join("runs.db-wal");
    put(&mut open(&path).unwrap(), &run(1)).unwrap();
    let away = folder.join("away.db");
    fs::rename(&path, &away).unwrap();
    let before = fs::read(&log).unwrap();
    for is_there in [false, true] {
        if is_there {
            fs::write(&path, "").unwrap();
        }
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("it is missing, but"), "{error}");
        assert_eq!(fs::read(&log).unwrap(), before);
    }
    fs::rename(&away, &path).unwrap();
    assert_eq!(runs(&open(&path).unwrap()).unwrap(), [run(1)]);
}

#[test]
fn nothing_is_written_after_the_database_or_its_log_was_moved() {
    for name in ["runs.db", "runs.db-wal"] {
        let (folder, path) = with_runs(1);
        let mut database = open(&path).unwrap();
        put(&mut database, &run(2)).unwrap();
        let away = folder.join("away");
        fs::rename(folder.join(name), &away).unwrap();
        for result in [
            put(&mut database, &run(3)),
            database.probe(),
            database.remove_older(at(1_000), 10).map(|_| ()),
        ] {
            assert_eq!(result.unwrap_err().cause(), Cause::Moved, "{name}");
        }
        fs::rename(&away, folder.join(name)).unwrap();
        put(&mut database, &run(4)).unwrap();
        assert_eq!(runs(&database).unwrap(), [run(4), run(2), run(0)], "{name}");
    }
}

#[test]
fn the_header_says_whose_file_it_is_while_all_else_may_be_in_the_log() {
    let folder = Folder::new();
    let path = folder.join("runs.db");
    let database = open(&path).unwrap();
    let header = fs::read(&path).unwrap();
    assert_eq!(
        (&header[60..64], &header[68..72]),
        (&[0, 0, 0, 1][..], &b"cdwh"[..])
    );
    drop(database);
}

#[test]
fn opening_a_database_again_changes_nothing() {
    let (folder, path) = with_runs(3);
    let before = files(&folder);
    for _ in 0..2 {
        let mut database = open(&path).unwrap();
        database.check().unwrap();
        database.close();
        assert!(files(&folder) == before);
    }
}

#[test]
fn a_process_that_was_killed_leaves_a_log_which_is_read() {
    let (folder, path) = with_runs(0);
    let killed = folder.join("killed");
    fs::create_dir(&killed).unwrap();
    let mut database = open(&path).unwrap();
    put(&mut database, &run(1)).unwrap();
    for file in ["runs.db", "runs.db-wal"] {
        fs::copy(folder.join(file), killed.join(file)).unwrap();
    }
    let left = open(&killed.join("runs.db")).unwrap();
    assert_eq!(runs(&left).unwrap(), [run(1)]);
}

#[test]
fn a_file_in_use_is_not_opened_again_not_even_by_another_name() {
    let (folder, path) = with_runs(1);
    let link = folder.join("link.db");
    symlink(&path, &link).unwrap();
    let used = open(&path).unwrap();
    let expected = format!(
        "{}: another process serves from it; stop that one, or name another file",
        path.display()
    );
    assert_eq!(rejected(&folder, &path), expected);
    assert_eq!(rejected(&folder, &link), expected);
    drop(used);
    assert_eq!(runs(&open(&link).unwrap()).unwrap(), [run(0)]);
}

#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_as_good_as_its_name() {
    let folder = Folder::new();
    let (path, link) = (folder.join("runs.db"), folder.join("link.db"));
    symlink("runs.db", &link).unwrap();
    let used = open(&link).unwrap();
    for name in [&path, &link] {
        let error = open(name).unwrap_err().to_string();
        assert!(error.contains("another process serves from it"), "{error}");
    }
    drop(used);
}

#[test]
fn a_path_is_never_anything_but_that_of_a_file() {
    // SQLite takes these for a URL, a database in memory and one that is removed at the end.
    for name in ["file:x", ":memory:", ""] {
        let path = resolve(Path::new(name));
        assert!(!path.is_ok_and(|path| path.is_relative()), "{name}");
    }
}

#[test]
fn a_file_that_another_program_has_locked_is_not_opened() {
    let (folder, path) = with_runs(1);
    let other = other_program(&path);
    other
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA user_version = 1; COMMIT;",
        )
        .unwrap();
    assert_eq!(
        rejected_ours(&folder, &path),
        format!(
            "{}: another program keeps it locked (database is locked)",
            path.display()
        )
    );
}
