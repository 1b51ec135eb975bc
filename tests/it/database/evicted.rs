//! Runs that the store has no room for. They are in the database alone.

use serde_json::json;
use tokio::join;

use super::{listed, report, runs_in, server_of_one_run};
use crate::{
    harness::{Folder, Server, ids, problem, run_id, update},
    sse::Stream,
};

#[tokio::test]
async fn a_run_that_was_evicted_goes_on_as_it_was() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    report(&server, "user=42", update(1, "queued")).await;
    let running = json!({"run_id": run_id(1), "status": "running", "progress": 0.5,
        "live_status": "Sampling", "outputs": [{"id": "a"}]});
    server.accept(running.to_string()).await;
    let before = server.run(&run_id(1)).await;
    server.accept(update(2, "queued")).await;
    assert_eq!(listed(&server).await, [run_id(2)]);
    assert_eq!(server.run(&run_id(1)).await, before);

    let success = json!({"run_id": run_id(1), "status": "success", "outputs": [{"id": "b"}]});
    report(&server, "plan=pro", success.to_string()).await;
    server.accept(update(2, "running")).await;
    // One that arrives late.
    server.accept(update(1, "uploading")).await;
    let after = server.run(&run_id(1)).await;
    assert_eq!(after["status"], "completed");
    assert_eq!(after["outputs"], json!([{"id": "a"}, {"id": "b"}]));
    assert_eq!(after["labels"], json!({"user": "42", "plan": "pro"}));
    for time in ["first_seen_at", "queued_at", "started_at"] {
        assert_eq!(after[time], before[time], "{time}");
    }
    assert!(after["ended_at"].is_string(), "{after}");
}

#[tokio::test]
async fn lists_and_counts_are_of_the_runs_that_the_store_holds() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &["--max-runs", "2"]).await;
    for n in 1..=3 {
        server.accept(update(n, "queued")).await;
    }
    assert_eq!(listed(&server).await, [run_id(3), run_id(2)]);
    let mut stream = Stream::open(&server, "/api/events").await;
    assert_eq!(stream.next().await.unwrap().data["all"], 2);
    assert_eq!(
        ids(&stream.snapshot("start").await.0),
        [run_id(3), run_id(2)]
    );
    server.until_metric("comfydeploy_webhook_runs 2").await;
    assert_eq!(runs_in(&file), 3);
}

#[tokio::test]
async fn a_wait_for_a_run_that_is_over_ends_at_once() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    // There is no room for anyone who really waits.
    let flags = ["--max-runs", "1", "--max-subscribers", "1"];
    let server = Server::with_database(&file, &flags).await;
    let _only = Stream::open(&server, "/api/events").await;
    for (n, status) in [(1, "success"), (2, "queued")] {
        server.accept(update(n, status)).await;
    }
    let wait = |n| format!("/api/runs/{}?wait=60", run_id(n));
    assert_eq!(server.json(&wait(1)).await["status"], "completed");
    problem(server.get(&wait(2)).await, 503).await;
}

#[tokio::test]
async fn a_wait_for_a_run_that_is_not_over_ends_with_its_closing_update() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    for (n, status) in [(1, "running"), (2, "queued")] {
        server.accept(update(n, status)).await;
    }
    let updates = async {
        server
            .until_metric("comfydeploy_webhook_subscribers 1")
            .await;
        for (n, status) in [(1, "uploading"), (2, "running"), (1, "success")] {
            server.accept(update(n, status)).await;
        }
        // So that the run may be evicted again by the time that the wait looks for it.
        server.accept(update(2, "success")).await;
    };
    let path = format!("/api/runs/{}?wait=60", run_id(1));
    let (run, ()) = join!(server.json(&path), updates);
    assert_eq!(run["status"], "completed");
}

#[tokio::test]
async fn a_run_is_not_known_to_those_who_ask_for_one_with_another_label() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    report(&server, "user=42", update(1, "success")).await;
    server.accept(update(2, "queued")).await;
    let path = |label| format!("/api/runs/{}?label={label}", run_id(1));
    let run = server.json(&path("user:42")).await;
    assert_eq!(run["labels"], json!({"user": "42"}));
    assert_eq!(server.json(&(path("user:42") + "&wait=60")).await, run);
    problem(server.get(&path("user:43")).await, 404).await;
    problem(server.get(&(path("user:43") + "&wait=0")).await, 404).await;

    let events = |label| format!("/api/runs/{}/events?label={label}", run_id(1));
    let mut own = Stream::open(&server, &events("user:42")).await;
    assert_eq!(own.next_run().await.0, run);
    assert_eq!(own.next().await.unwrap().name, "end");
    let mut of_another = Stream::open(&server, &events("plan:pro")).await;
    report(&server, "plan=pro", update(1, "success")).await;
    let (run, _) = of_another.next_run().await;
    assert_eq!(run["labels"], json!({"user": "42", "plan": "pro"}));
}
