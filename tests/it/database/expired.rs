//! Runs that are older than the retention time. They go from the database, too.

use rusqlite::Connection;

use super::{listed, runs_in, serve};
use crate::{
    harness::{Folder, Server, problem, run_id, until, update},
    sse::{Stream, events_of},
};

#[tokio::test]
async fn a_run_that_expires_goes_from_the_database_the_list_and_the_streams() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &["--retention", "2s"]).await;
    server.accept(update(1, "running")).await;
    let mut one = Stream::open(&server, &events_of(1)).await;
    one.next_run().await;
    let mut all = Stream::open(&server, "/api/events").await;
    all.snapshot("start").await;
    for stream in [&mut one, &mut all] {
        let event = stream.next_but_counts().await;
        assert_eq!(
            (&*event.name, &event.data["run_id"]),
            ("removed", &run_id(1).into())
        );
    }
    problem(server.get(&format!("/api/runs/{}", run_id(1))).await, 404).await;
    assert!(listed(&server).await.is_empty());
    assert_eq!(runs_in(&file), 0);
    let evicted = r#"comfydeploy_webhook_run_evictions_total{cause="retention"} 1"#;
    server.until_metric(evicted).await;
    // It is a new one now.
    server.accept(update(1, "queued")).await;
    assert_eq!(one.next_run().await.0["status"], "queued");
}

#[tokio::test]
async fn a_run_that_expires_in_the_database_alone_is_removed_from_its_stream() {
    let folder = Folder::new();
    let flags = ["--retention", "2s", "--max-runs", "1"];
    let server = Server::with_database(&folder.path("runs.db"), &flags).await;
    for n in [1, 2] {
        server.accept(update(n, "running")).await;
    }
    let mut stream = Stream::open(&server, &events_of(1)).await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(1));
    assert_eq!(stream.next().await.unwrap().name, "removed");
    problem(server.get(&format!("/api/runs/{}", run_id(1))).await, 404).await;
}

#[tokio::test]
async fn runs_that_expired_while_the_service_did_not_run_are_not_shown_after_the_start() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    for n in 0..250 {
        server.accept(update(n, "running")).await;
    }
    server.stop().await;
    let old = "UPDATE runs SET last_seen_at = '2020-01-01T00:00:00.000Z'";
    Connection::open(&file).unwrap().execute(old, []).unwrap();
    let process = serve(&file);
    let log = &process.first_lines;
    assert!(log.contains(" 0 runs read from the database"), "{log}");
    until("all are removed", async || runs_in(&file) == 0).await;
}
