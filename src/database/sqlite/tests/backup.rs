//! Copies of a database that may be in use.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{contents, open, other_program, put, run, runs, with_runs};
use crate::{
    config::DatabaseUrl,
    database::{OpenError, back_up},
    run::Run,
    testing::Folder,
};

fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    back_up(&DatabaseUrl::Sqlite(from.to_owned()), to)
}

/// The error of a copy. Checks that it left all as it was.
fn rejected(folder: &Folder, from: &Path, to: &Path) -> String {
    let before = contents(folder);
    let error = copy(from, to).unwrap_err();
    assert!(
        contents(folder) == before,
        "{error}, and a file was changed"
    );
    error.to_string()
}

#[test]
fn a_copy_has_the_same_runs_and_can_be_served_from() {
    let (folder, path) = with_runs(300);
    let to = folder.join("copy.db");
    for is_in_use in [true, false] {
        let used = is_in_use.then(|| open(&path).unwrap());
        copy(&path, &to).unwrap();
        drop(used);
        let mut copied = open(&to).unwrap();
        copied.check().unwrap();
        assert_eq!(runs(&copied).unwrap(), runs(&open(&path).unwrap()).unwrap());
        put(&mut copied, &run(1_000)).unwrap();
        drop(copied);
        fs::remove_file(&to).unwrap();
    }
}

#[test]
fn a_copy_is_of_one_moment_while_runs_are_written() {
    let (folder, path) = with_runs(0);
    let mut database = open(&path).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Two runs are written together each time.
        scope.spawn(|| {
            for n in (0..)
                .step_by(2)
                .take_while(|_| !is_over.load(Ordering::Relaxed))
            {
                let mut transaction = database.begin();
                transaction.put(None, &run(n)).unwrap();
                transaction.put(None, &run(n + 1)).unwrap();
                transaction.commit().unwrap();
            }
        });
        for n in 0..10 {
            let to = folder.join(&format!("{n}.db"));
            let copied = copy(&path, &to).map(|()| runs(&open(&to).unwrap()).unwrap());
            if n == 9 || copied.is_err() {
                is_over.store(true, Ordering::Relaxed);
            }
            let copied: BTreeSet<_> = copied.unwrap().iter().map(Run::id).collect();
            let expected: BTreeSet<_> = (0..copied.len()).map(|n| run(n).id()).collect();
            assert!(copied == expected && copied.len() % 2 == 0);
        }
    });
}

#[test]
fn a_database_whose_process_was_killed_is_copied_with_its_log_and_stays_as_it_was() {
    let (folder, path) = with_runs(0);
    let killed = Folder::new();
    let mut database = open(&path).unwrap();
    put(&mut database, &run(1)).unwrap();
    for file in ["runs.db", "runs.db-wal"] {
        fs::copy(folder.join(file), killed.join(file)).unwrap();
    }
    let before = contents(&killed);
    let to = folder.join("copy.db");
    copy(&killed.join("runs.db"), &to).unwrap();
    assert_eq!(runs(&open(&to).unwrap()).unwrap(), [run(1)]);
    assert!(contents(&killed) == before);
}

#[test]
fn what_cannot_be_copied_is_an_error_that_says_why_and_leaves_nothing_behind() {
    let (folder, path) = with_runs(1);
    let other = folder.join("other.db");
    fs::write(&other, "no database").unwrap();
    let other_path = other.display();
    for (from, to, expected) in [
        ("none.db", "copy.db", "none.db: there is no such file"),
        (
            "other.db",
            "copy.db",
            "other.db: it is not an SQLite database; name another file",
        ),
        (".", "copy.db", ": it is not a file; name one"),
        (
            "runs.db",
            "other.db",
            "other.db: there is such a file already; remove it, or name another one",
        ),
        (
            "runs.db",
            "none/copy.db",
            "none/copy.db: its folder does not exist; create it, or name another file",
        ),
    ] {
        let error = rejected(&folder, &folder.join(from), &folder.join(to));
        assert!(error.ends_with(expected), "{error}");
    }
    assert_eq!(
        fs::read_to_string(&other).unwrap(),
        "no database",
        "{other_path}"
    );
    assert_eq!(
        copy(&path, &folder.join("copy.db")).map_err(|error| error.to_string()),
        Ok(())
    );
}

#[test]
fn an_empty_file_is_no_database_to_copy() {
    let folder = Folder::new();
    let path = folder.join("empty.db");
    fs::write(&path, "").unwrap();
    let error = rejected(&folder, &path, &folder.join("copy.db"));
    assert!(
        error.ends_with("it is not an SQLite database; name another file"),
        "{error}"
    );
}

#[test]
fn a_database_of_a_newer_version_is_not_copied_even_if_only_the_log_says_so() {
    let (folder, path) = with_runs(1);
    other_program(&path)
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = rejected(&folder, &path, &folder.join("copy.db"));
    assert!(
        error.contains("a newer version of this program wrote it"),
        "{error}"
    );
}

#[test]
fn a_damaged_database_is_not_copied() {
    let (folder, path) = with_runs(500);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 4096].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = rejected(&folder, &path, &folder.join("copy.db"));
    assert!(error.contains("it is damaged"), "{error}");
}

#[test]
fn copies_to_one_name_at_the_same_time_make_one_whole_copy() {
    let (folder, path) = with_runs(300);
    let to = folder.join("copy.db");
    let copies: Vec<_> = thread::scope(|scope| {
        let copies: Vec<_> = (0..4).map(|_| scope.spawn(|| copy(&path, &to))).collect();
        copies
            .into_iter()
            .map(|copy| copy.join().unwrap())
            .collect()
    });
    assert_eq!(
        copies.iter().filter(|copy| copy.is_ok()).count(),
        1,
        "{copies:?}"
    );
    assert_eq!(runs(&open(&to).unwrap()).unwrap().len(), 300);
    let others = contents(&folder).into_keys().filter(|file| *file != path);
    assert_eq!(others.collect::<Vec<_>>(), [to]);
}

#[test]
fn a_copy_may_have_a_name_that_sqlite_takes_for_something_else() {
    let (folder, path) = with_runs(1);
    for name in ["file:x", ":memory:", "a?b=c#d%41.db"] {
        let to = folder.join(name);
        copy(&path, &to).unwrap();
        assert_eq!(runs(&open(&to).unwrap()).unwrap(), [run(0)]);
    }
}

#[test]
fn a_name_that_is_not_utf8_is_one_of_a_database_but_not_of_a_copy() {
    let (folder, _) = with_runs(0);
    let name = folder.path().join(OsStr::from_bytes(b"\xff.db"));
    put(&mut open(&name).unwrap(), &run(1)).unwrap();
    let to = folder.join("copy.db");
    copy(&name, &to).unwrap();
    assert_eq!(runs(&open(&to).unwrap()).unwrap(), [run(1)]);
    let other = folder.path().join(OsStr::from_bytes(b"\xfe.db"));
    let error = rejected(&folder, &to, &other);
    assert!(error.ends_with(".db: its name is not UTF-8; name another file"));
}
