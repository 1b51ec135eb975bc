//! The file in SQLite's own shell, while the service writes it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{report, runs_in};
use crate::harness::{Folder, Server, is_installed, output, run_id, text, update};

/// What the shell prints for a query.
async fn query(file: &Path, query: &str) -> String {
    let mut command = Command::new("sqlite3");
    command.args(["-readonly", file.to_str().unwrap(), query]);
    let output = output(command).await;
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).to_owned()
}

#[tokio::test]
async fn people_read_runs_outputs_and_labels_with_sqlite3() {
    if !is_installed("sqlite3") {
        return;
    }
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    report(&server, "user=42&plan=pro%20plus", update(1, "running")).await;
    for (status, progress, id) in [("running", 0.25, "a"), ("success", 1.0, "b")] {
        let output = json!({"id": id, "type": "image", "url": "https://example.com/a.png"});
        let update = json!({"run_id": run_id(1), "status": status, "progress": progress, "outputs": [output]});
        server.accept(update.to_string()).await;
    }
    server.accept(update(2, "queued")).await;

    let run = server.run(&run_id(1)).await;
    let rows = query(
        &file,
        "select run_id, status, progress, started_at, ended_at from runs",
    )
    .await;
    let [started, ended] = ["started_at", "ended_at"].map(|time| run[time].as_str().unwrap());
    let expected = [
        format!(
            "{}|completed|{}|{started}|{ended}",
            run_id(1),
            run["progress"]
        ),
        format!("{}|queued|||", run_id(2)),
    ];
    assert_eq!(rows.lines().collect::<Vec<_>>(), expected);

    let labelled = "select run_id, labels from runs where json_extract(labels, '$.user') = '42'";
    let expected = format!(r#"{}|{{"plan":"pro plus","user":"42"}}"#, run_id(1));
    assert_eq!(query(&file, labelled).await.trim_end(), expected);
    let outputs = "select run_id, json_extract(json, '$.id'), json_extract(json, '$.url') \
                   from outputs join runs using (run) order by output";
    let expected = ["a", "b"].map(|id| format!("{}|{id}|https://example.com/a.png\n", run_id(1)));
    assert_eq!(query(&file, outputs).await, expected.concat());
    let recent = "select run_id from runs where julianday(ended_at) > julianday('now', '-1 day')";
    assert_eq!(query(&file, recent).await.trim_end(), run_id(1));
}

#[tokio::test]
async fn a_reader_that_stays_open_does_not_stop_the_service() {
    if !is_installed("sqlite3") {
        return;
    }
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &["--max-runs", "1"]).await;
    server.accept(update(0, "queued")).await;
    let mut shell = Command::new("sqlite3")
        .args(["-batch", "-readonly", file.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    let mut printed = BufReader::new(shell.stdout.take().unwrap());
    let mut count = |begin: &str| {
        writeln!(input, "{begin} select count(*) from runs;").unwrap();
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(count("begin;"), "1\n");
    for n in 1..100 {
        server.accept(update(n, "queued")).await;
    }
    assert_eq!(count(""), "1\n", "it sees what there was when it began");
    assert_eq!(server.run(&run_id(50)).await["status"], "queued");
    // It does not stop the shutdown either.
    server.stop().await;
    let server = Server::with_database(&file, &[]).await;
    server.accept(update(100, "queued")).await;
    assert_eq!(count("commit;"), "101\n");
    drop(input);
    assert!(shell.wait().unwrap().success());
    server.stop().await;
    assert_eq!(runs_in(&file), 101);
}
