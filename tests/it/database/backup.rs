//! Copies of the database while the service runs, and moving it.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::Client;

use super::{listed, runs_in, serve, url};
use crate::harness::{Folder, Process, Server, WEBHOOK, error_line, output, run_id, until, update};

/// The command that copies a database.
fn backup(from: &Path, to: &Path) -> Command {
    let mut command = Process::command(&["backup", to.to_str().unwrap()]);
    command.env("DATABASE_URL", url(from));
    command
}

#[tokio::test]
async fn a_backup_has_every_run_that_was_acknowledged_before_and_a_service_starts_from_it() {
    let folder = Folder::new();
    let (file, copy) = (folder.path("runs.db"), folder.path("copy.db"));
    let process = serve(&file);
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&acknowledged);
    let webhook = process.url(WEBHOOK);
    let updates = tokio::spawn(async move {
        let client = Client::new();
        for n in 0.. {
            let request = client.post(&webhook).body(update(n, "running"));
            let request = request.header("content-type", "application/json");
            if !request
                .send()
                .await
                .is_ok_and(|response| response.status() == 200)
            {
                break;
            }
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let acknowledged = || acknowledged.load(Ordering::SeqCst);
    until("there are some runs", async || acknowledged() >= 100).await;
    let before = acknowledged();
    let copied = output(backup(&file, &copy)).await;
    assert!(copied.status.success(), "{copied:?}");
    assert!(
        copied.stdout.is_empty() && copied.stderr.is_empty(),
        "{copied:?}"
    );
    let after = acknowledged();
    until("updates are still accepted", async || {
        acknowledged() > after
    })
    .await;
    updates.abort();

    let server = Server::with_database(&copy, &[]).await;
    for n in 0..before {
        assert_eq!(server.run(&run_id(n)).await["status"], "processing", "{n}");
    }
}

#[tokio::test]
async fn a_backup_needs_no_service_and_leaves_nothing_else_behind() {
    let folder = Folder::new();
    let (file, copy) = (folder.path("runs.db"), folder.path("copy.db"));
    let mut process = serve(&file);
    process.post(WEBHOOK, update(1, "running")).await;
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    assert!(output(backup(&file, &copy)).await.status.success());
    assert_eq!(runs_in(&copy), 1);
    let copies = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let copies: Vec<_> = copies
        .filter(|name| name.to_str().unwrap().starts_with("copy"))
        .collect();
    assert_eq!(copies, ["copy.db"]);
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_says_why_in_one_line() {
    let folder = Folder::new();
    let [file, copy, notes] = ["runs.db", "copy.db", "notes"].map(|name| folder.path(name));
    fs::write(&notes, "notes").unwrap();
    let missing = backup(&file, &copy);
    let line = error_line(missing, 1).await;
    assert!(line.contains("runs.db: there is no such file"), "{line}");
    let without = Process::command(&["backup", copy.to_str().unwrap()]);
    let line = error_line(without, 1).await;
    assert!(
        line.contains("set DATABASE_URL or --database-url"),
        "{line}"
    );

    let process = serve(&file);
    process.post(WEBHOOK, update(1, "running")).await;
    let line = error_line(backup(&file, &notes), 1).await;
    assert!(
        line.contains("notes: there is such a file already"),
        "{line}"
    );
    assert_eq!(fs::read_to_string(&notes).unwrap(), "notes");
    let line = error_line(backup(&file, &folder.path("missing/copy.db")), 1).await;
    assert!(line.contains("its folder does not exist"), "{line}");
    let line = error_line(backup(&notes, &copy), 1).await;
    assert!(
        line.contains("notes: it is not an SQLite database"),
        "{line}"
    );
    let line = error_line(Process::command(&["backup"]), 2).await;
    assert!(line.contains("<FILE>"), "{line}");
    assert!(!copy.exists());
}

#[tokio::test]
async fn a_backup_takes_the_database_of_a_flag_or_a_file() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let _serving = serve(&file);
    let url_file = folder.path("url");
    fs::write(&url_file, url(&file)).unwrap();
    for (name, flag, value) in [
        ("a", "--database-url", &*url(&file)),
        ("b", "--database-url-file", url_file.to_str().unwrap()),
    ] {
        let copy = folder.path(name);
        let arguments = [flag, value, "backup", copy.to_str().unwrap()];
        let copied = output(Process::command(&arguments)).await;
        assert!(copied.status.success(), "{copied:?}");
        assert_eq!(runs_in(&copy), 0);
    }
}

#[tokio::test]
async fn after_a_signal_the_one_file_is_all_of_the_database_and_can_be_moved() {
    let folder = Folder::new();
    let (file, elsewhere) = (folder.path("runs.db"), folder.path("elsewhere.db"));
    let mut process = serve(&file);
    for n in 0..5 {
        process.post(WEBHOOK, update(n, "running")).await;
    }
    assert_eq!(process.stop().0, Some(0));
    let log = fs::metadata(folder.path("runs.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    fs::rename(&file, &elsewhere).unwrap();
    let server = Server::with_database(&elsewhere, &[]).await;
    assert_eq!(listed(&server).await.len(), 5);
}
