//! What stays as it was when the service is stopped and started again.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{listed, report};
use crate::{
    harness::{Folder, Server, ids, run_id, until, update},
    sse::{Stream, events_of},
};

/// Waits for the next millisecond: what is received then is later.
async fn later() {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis()
    };
    let begun = now();
    until("the clock goes on", async || now() > begun).await;
}

/// Sends an update of each of these runs, each in a millisecond of its own.
async fn accept_in_order(server: &Server, runs: &[usize]) {
    for &n in runs {
        server.accept(update(n, "running")).await;
        later().await;
    }
}

#[tokio::test]
async fn runs_lists_and_counts_are_the_same_after_a_restart() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    report(&server, "user=42", update(0, "queued")).await;
    for (n, status) in [(1, "running"), (2, "success"), (0, "failed")] {
        let outputs = json!([{"id": "b", "text": "ü\n"}, {"id": "a"}]);
        let update = json!({"run_id": run_id(n), "status": status, "progress": 1.0 / 3.0,
            "live_status": "Sampling", "outputs": outputs});
        server.accept(update.to_string()).await;
    }
    let paths = [
        "/api/runs",
        "/api/runs?status=failed",
        "/api/runs?label=user:42",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(server.json(path).await);
    }
    server.stop().await;
    let server = Server::with_database(&file, &[]).await;
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(server.json(path).await, before, "{path}");
    }
    let counts = Stream::open(&server, "/api/events")
        .await
        .next()
        .await
        .unwrap();
    assert_eq!(counts.data["all"], 3);
    assert_eq!(counts.data["failed"], 1);
}

#[tokio::test]
async fn the_runs_that_were_updated_last_are_there_and_are_evicted_in_the_same_order() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    accept_in_order(&server, &[1, 2, 3, 4, 5]).await;
    server.accept(update(2, "success")).await;
    server.stop().await;
    let server = Server::with_database(&file, &["--max-runs", "3"]).await;
    assert_eq!(listed(&server).await, [5, 4, 2].map(run_id), "newest first");
    later().await;
    for (new, kept) in [(6, [6, 5, 2]), (7, [7, 6, 2]), (8, [8, 7, 6])] {
        accept_in_order(&server, &[new]).await;
        assert_eq!(listed(&server).await, kept.map(run_id));
    }
    // Those for which there was no room are in the database.
    assert_eq!(server.run(&run_id(1)).await["status"], "processing");
}

#[tokio::test]
async fn a_walk_over_all_pages_goes_on_after_a_restart() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let mut server = Server::with_database(&file, &[]).await;
    for n in 0..30 {
        server.accept(update(n, "running")).await;
    }
    let whole = listed(&server).await;
    assert_eq!(whole.len(), 30);
    let (mut seen, mut path) = (Vec::new(), "/api/runs?limit=7".to_owned());
    loop {
        let page = server.json(&path).await;
        let runs: &Vec<Value> = page["runs"].as_array().unwrap();
        seen.extend(ids(runs).into_iter().map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/runs?limit=7&cursor={cursor}");
        server.stop().await;
        server = Server::with_database(&file, &[]).await;
        server.accept(update(3, "success")).await;
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn a_client_that_was_there_before_the_restart_is_brought_up_to_date() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    for (n, status) in [(1, "running"), (2, "success"), (3, "running")] {
        server.accept(update(n, status)).await;
    }
    let (_, all) = Stream::open(&server, "/api/events")
        .await
        .snapshot("start")
        .await;
    let (before, one) = Stream::open(&server, &events_of(1)).await.next_run().await;
    let mut over = Stream::open(&server, &events_of(2)).await;
    over.next_run().await;
    let end = over.next().await.unwrap().id.unwrap();
    server.stop().await;

    let server = Server::with_database(&file, &["--max-runs", "2"]).await;
    let mut back = Stream::after(&all, &server, "/api/events").await;
    let (runs, _) = back.snapshot("restart").await;
    assert_eq!(ids(&runs), [run_id(3), run_id(2)]);
    let mut back = Stream::after(&one.unwrap(), &server, &events_of(1)).await;
    assert_eq!(back.next_run().await.0, before);
    server.accept(update(1, "success")).await;
    assert_eq!(back.next_run().await.0["status"], "completed");
    assert_eq!(back.next().await.unwrap().name, "end");
    let again = server.request(Method::GET, &events_of(2));
    let again = again.header("last-event-id", end);
    assert_eq!(again.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_shutdown_ends_streams_and_loses_no_update_that_was_acknowledged() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    let updates = (0..50).map(|n| {
        let request = server.webhook(Method::POST, update(n, "running"));
        tokio::spawn(request.send())
    });
    let updates: Vec<_> = updates.collect();
    let mut stream = Stream::open(&server, "/api/events").await;
    until("some are answered", async || {
        updates.iter().any(JoinHandle::is_finished)
    })
    .await;
    server.stop().await;
    while stream.next_block().await.is_some() {}
    let mut acknowledged = Vec::new();
    for (n, update) in updates.into_iter().enumerate() {
        if update
            .await
            .unwrap()
            .is_ok_and(|response| response.status() == 200)
        {
            acknowledged.push(run_id(n));
        }
    }
    assert!(!acknowledged.is_empty());
    let server = Server::with_database(&file, &[]).await;
    let kept = listed(&server).await;
    assert!(acknowledged.iter().all(|run_id| kept.contains(run_id)));
}
