//! Files that can be opened, and those that cannot for the time being.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{files, open, other_program, put, rejected, rejected_ours, run, runs, with_runs};
use crate::{database::sqlite::file::resolve, testing::Folder};

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
        drop(database);
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
