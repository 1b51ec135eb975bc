//! Files that the service does not serve from. It says what to do, exits, and leaves them as they were.

use std::{fs, path::Path, process::Command};

use rusqlite::Connection;

use super::{serve, url};
use crate::harness::{Folder, Process, Server, WEBHOOK, error_line, output, run_id, text, update};

fn command(file: &Path) -> Command {
    let url = url(file);
    Process::command(&[
        "--listen",
        "127.0.0.1:0",
        "--log",
        "error",
        "--database-url",
        &url,
    ])
}

/// Checks that the service refuses a file in one line, and leaves it as it is. Returns what the line says of it.
async fn refusal(file: &Path) -> String {
    let before = fs::read(file).ok();
    let line = error_line(command(file), 1).await;
    assert_eq!(fs::read(file).ok(), before, "{line}");
    let said = line.strip_prefix("error: cannot use the database ");
    said.unwrap_or_else(|| panic!("{line}")).to_owned()
}

/// Checks that a file is refused with this line, in which `{}` is its path.
async fn assert_refused(file: &Path, expected: &str) {
    let expected = expected.replace("{}", file.to_str().unwrap());
    assert_eq!(refusal(file).await, expected + "\n");
}

/// A file of the service with a few runs.
async fn with_runs(folder: &Folder) -> std::path::PathBuf {
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    for n in 0..300 {
        server.accept(update(n, "running")).await;
    }
    server.stop().await;
    file
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = Folder::new();
    for (name, content) in [
        ("short", "runs"),
        ("long", &"runs\n".repeat(1000)),
        ("header", "SQLite format 3\0"),
    ] {
        let file = folder.path(name);
        fs::write(&file, content).unwrap();
        let expected = "{}: it is not an SQLite database; name another file";
        assert_refused(&file, expected).await;
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let folder = Folder::new();
    let file = folder.path("bookmarks.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE runs (url TEXT)").unwrap();
    drop(other);
    let expected = "{}: it is a database of another program; name another file";
    assert_refused(&file, expected).await;
}

#[tokio::test]
async fn the_database_of_a_newer_version_is_refused() {
    let folder = Folder::new();
    let file = with_runs(&folder).await;
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 1_000).unwrap();
    drop(newer);
    let expected = "{}: a newer version of this program wrote it (format 1000, this one reads up to 1); \
                    use the newer version";
    assert_refused(&file, expected).await;
}

#[tokio::test]
async fn a_name_that_cannot_be_a_file_is_refused() {
    let folder = Folder::new();
    let expected = "{}: its folder does not exist; create it, or name another file";
    assert_refused(&folder.path("missing/runs.db"), expected).await;
    let expected = "{}: it is not a file; name one";
    assert_refused(folder.as_ref(), expected).await;
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let folder = Folder::new();
    let file = with_runs(&folder).await;
    let whole = fs::read(&file).unwrap();
    let page = 4096;
    for damaged in [
        // A page of a table or an index, all pages but the first, and a file that ends too early.
        [&whole[..6 * page], &[0xa5; 4096], &whole[7 * page..]].concat(),
        [&whole[..page], &vec![0xa5; whole.len() - page]].concat(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        fs::write(&file, &damaged).unwrap();
        let said = refusal(&file).await;
        let start = format!("{}: it is damaged (", file.to_str().unwrap());
        assert!(said.starts_with(&start), "{said}");
        let end = "; restore a backup, or save what can be read with sqlite3 and .recover\n";
        assert!(said.ends_with(end), "{said}");
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let folder = Folder::new();
    let file = with_runs(&folder).await;
    let edited = Connection::open(&file).unwrap();
    let change = "UPDATE runs SET platform_status = 'done' WHERE run_id = ?1";
    edited.execute(change, [run_id(7)]).unwrap();
    drop(edited);
    let said = refusal(&file).await;
    assert!(said.contains(&run_id(7)), "{said}");
    assert!(said.contains("platform_status"), "{said}");
}

/// Serves from one name of a file, and checks that nobody else can serve from any of its names.
#[cfg(unix)]
async fn assert_serves_alone(folder: &Folder, first: &str) {
    let mut serving = serve(&folder.path(first));
    for name in ["runs.db", "link.db", "dir/runs.db", "dir/link.db"] {
        let line = error_line(command(&folder.path(name)), 1).await;
        let expected = "another process serves from it; stop that one, or name another file";
        assert!(line.contains(expected), "{line}");
    }
    let response = serving.post(WEBHOOK, update(1, "running")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(serving.stop().0, Some(0));
}

/// Makes other names for `runs.db`.
#[cfg(unix)]
fn link(folder: &Folder) {
    use std::os::unix::fs::symlink;

    symlink("runs.db", folder.path("link.db")).unwrap();
    symlink(folder, folder.path("dir")).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_another_process_serves_from_is_refused_by_any_of_its_names() {
    let folder = Folder::new();
    link(&folder);
    for first in ["runs.db", "link.db", "dir/runs.db", "dir/link.db"] {
        assert_serves_alone(&folder, first).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_made_through_a_link_is_refused_to_others_too() {
    let folder = Folder::new();
    link(&folder);
    assert_serves_alone(&folder, "link.db").await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_ends_the_service_before_it_says_that_it_is_ready() {
    let folder = Folder::new();
    let file = folder.path("notes.txt");
    fs::write(&file, "notes").unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &url(&file)];
    let output = output(Process::command(&arguments)).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stdout).contains("ready"), "{output:?}");
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(
        files
            .iter()
            .all(|name| name == "notes.txt" || name == "notes.txt-lock"),
        "{files:?}"
    );
}
