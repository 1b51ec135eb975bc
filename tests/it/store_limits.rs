//! What the store holds at most, seen from outside.

use std::ops::Range;

use serde_json::{Value, json};

use crate::{
    harness::{Process, Server, WEBHOOK, run_id, update},
    sse::Stream,
};

async fn is_kept(server: &Server, n: usize) -> bool {
    let response = server.get(&format!("/api/runs/{}", run_id(n))).await;
    response.status() == 200
}

#[tokio::test]
async fn over_max_runs_the_least_recently_updated_run_is_dropped() {
    let server = Server::with_flags(&["--max-runs", "3"]).await;
    for n in [1, 2, 3, 1, 4] {
        server.accept(update(n, "queued")).await;
    }
    // Reading a run does not keep it.
    assert!(!is_kept(&server, 2).await);
    assert!(is_kept(&server, 3).await);
    server.accept(update(5, "queued")).await;
    assert!(!is_kept(&server, 3).await);
    for n in [1, 4, 5] {
        assert!(is_kept(&server, n).await, "{n}");
    }
}

#[tokio::test]
async fn over_max_bytes_the_least_recently_updated_runs_are_dropped() {
    let server = Server::with_flags(&["--max-bytes", "1MiB"]).await;
    let output = json!({"id": "x", "data": "x".repeat(50_000)});
    for n in 0..30 {
        server
            .accept(json!({"run_id": run_id(n), "outputs": [output]}).to_string())
            .await;
    }
    let runs = server.json("/api/runs?limit=500").await["runs"].take();
    let kept = runs.as_array().unwrap().len();
    assert!((15..=20).contains(&kept), "{kept} runs of 50 kB in 1 MiB");
    assert!(is_kept(&server, 29).await && !is_kept(&server, 0).await);
}

/// Outputs with these ids, each of this many bytes and a few more.
fn outputs(ids: Range<usize>, bytes: usize) -> Value {
    let data = "x".repeat(bytes);
    ids.map(|id| json!({"id": format!("{id:06}"), "data": data}))
        .collect()
}

/// What a run keeps of two updates: `processing` with some outputs and `success` with others, in either order.
async fn after_both(server: &Server, processing: Value, success: Value) -> [Value; 2] {
    let mut runs = [Value::Null, Value::Null];
    for (n, run) in runs.iter_mut().enumerate() {
        let id = run_id(n);
        let mut updates = [("processing", &processing), ("success", &success)]
            .map(|(status, outputs)| json!({"run_id": id, "status": status, "outputs": outputs}));
        updates.rotate_left(n);
        for update in updates {
            server.accept(update.to_string()).await;
        }
        *run = server.run(&id).await;
    }
    runs
}

#[tokio::test]
async fn outputs_over_the_limit_of_a_run_are_left_out_and_all_else_is_joined_in_any_order() {
    let server = Server::with_flags(&["--max-bytes", "1MiB"]).await;
    // Over the number of outputs in two updates and in one, and over the bytes of one run in two and in one.
    for (processing, success, kept) in [
        (outputs(0..900, 1), outputs(900..1_001, 1), 1_000),
        (outputs(0..1, 1), outputs(1..1_200, 1), 1_000),
        (outputs(0..1, 40_000), outputs(1..2, 40_000), 1),
        (outputs(0..1, 1), outputs(1..2, 70_000), 1),
    ] {
        let server = if kept == 1_000 {
            &Server::start().await
        } else {
            &server
        };
        for run in after_both(server, processing.clone(), success.clone()).await {
            assert_eq!(run["status"], "completed");
            assert_eq!(run["outputs_incomplete"], true);
            assert!(run["ended_at"].is_string() && run["started_at"].is_string());
            let outputs = run["outputs"].as_array().unwrap();
            assert_eq!(outputs.len(), kept);
            assert_eq!(outputs[0]["id"], "000000");
        }
    }
}

#[tokio::test]
async fn a_run_that_is_full_accepts_its_outputs_again_and_says_that_it_is_complete() {
    let server = Server::start().await;
    for run in after_both(&server, outputs(0..900, 1), outputs(900..1_000, 1)).await {
        assert_eq!(run["outputs"].as_array().unwrap().len(), 1_000);
        assert_eq!(run["outputs_incomplete"], false);
    }
}

#[tokio::test]
async fn outputs_that_are_left_out_are_counted_and_logged() {
    let mut process = Process::serve(&[]);
    let update = json!({"run_id": run_id(1), "outputs": outputs(0..1_003, 1)});
    for _ in 0..3 {
        process.post(WEBHOOK, update.to_string()).await;
    }
    process
        .until_metric("comfydeploy_webhook_outputs_left_out_total 9")
        .await;
    let (_, log) = process.stop();
    let lines = log
        .matches("outputs left out: a run keeps at most 1000 outputs")
        .count();
    assert_eq!(lines, 2, "one for the 1st, 2nd, 4th and so on: {log}");
    assert!(log.contains("left_out=3 count=2"), "{log}");
}

#[tokio::test]
async fn a_run_is_dropped_after_the_retention_time() {
    let server = Server::with_flags(&["--retention", "1ms"]).await;
    let mut stream = Stream::open(&server, "/api/events").await;
    stream.snapshot("start").await;
    server.accept(update(1, "queued")).await;
    // The run itself is sent before, unless it is dropped by then.
    while stream.next_but_counts().await.name != "removed" {}
    assert!(!is_kept(&server, 1).await);
    assert_eq!(server.json("/api/runs").await["runs"], json!([]));
}
