//! What `/metrics` shows of the database.

use std::fs;

use reqwest::Method;

use rusqlite::Connection;

use super::server_of_one_run;
use crate::harness::{Folder, Server, detail, problem, run_id, update};

/// The value of a metric, if it is there.
async fn value(server: &Server, name: &str) -> Option<f64> {
    let metrics = server.get("/metrics").await.text().await.unwrap();
    let prefix = format!("comfydeploy_webhook_database_{name} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&prefix));
    value.map(|value| value.parse().unwrap())
}

const COUNTED: [&str; 6] = [
    "commit_duration_seconds_count",
    "commit_duration_seconds_sum",
    "updates_per_commit_count",
    "updates_per_commit_sum",
    "queue_length",
    "failures_total",
];

#[tokio::test]
async fn without_a_database_nothing_is_shown_of_one() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("database"), "{metrics}");
}

#[tokio::test]
async fn everything_is_shown_before_it_counts() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    for name in COUNTED {
        assert_eq!(value(&server, name).await, Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn commits_and_their_updates_are_counted() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    for n in 0..3 {
        server.accept(update(n, "queued")).await;
        // It changes nothing.
        server.accept(update(n, "queued")).await;
    }
    assert_eq!(value(&server, COUNTED[0]).await, Some(3.0));
    assert!(value(&server, COUNTED[1]).await.unwrap() > 0.0);
    assert_eq!(value(&server, COUNTED[2]).await, Some(3.0));
    assert_eq!(value(&server, COUNTED[3]).await, Some(3.0));

    let together = (10..60).map(|n| {
        let request = server.webhook(Method::POST, update(n, "queued"));
        tokio::spawn(request.send())
    });
    for update in together.collect::<Vec<_>>() {
        assert_eq!(update.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(value(&server, COUNTED[3]).await, Some(53.0));
    let commits = value(&server, COUNTED[2]).await;
    assert_eq!(value(&server, COUNTED[0]).await, commits);
    assert!((4.0..=53.0).contains(&commits.unwrap()), "{commits:?}");
    for name in ["queue_length", "failures_total"] {
        assert_eq!(value(&server, name).await, Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn the_sizes_are_those_of_the_files() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    for n in 0..20 {
        server.accept(update(n, "queued")).await;
    }
    for (name, file) in [("bytes", "runs.db"), ("wal_bytes", "runs.db-wal")] {
        let bytes = fs::metadata(folder.path(file)).unwrap().len();
        assert!(bytes > 0, "{file}");
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let bytes = bytes as f64;
        assert_eq!(value(&server, name).await, Some(bytes), "{file}");
    }
}

#[tokio::test]
async fn a_run_that_cannot_be_read_is_a_failure_and_the_reader_is_told_to_try_again() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    for n in [1, 2] {
        server.accept(update(n, "queued")).await;
    }
    let database = Connection::open(folder.path("runs.db")).unwrap();
    let change = "UPDATE runs SET platform_status = 'done' WHERE run_id = ?1";
    database.execute(change, [run_id(1)]).unwrap();
    let response = server.get(&format!("/api/runs/{}", run_id(1))).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let problem = problem(response, 503).await;
    let expected = "the database cannot be used: it is damaged";
    assert_eq!(detail(&problem), expected);
    assert_eq!(value(&server, "failures_total").await, Some(1.0));
}
