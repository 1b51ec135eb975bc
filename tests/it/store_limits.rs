//! What the store holds at most, seen from outside.

use serde_json::json;

use crate::{
    harness::{Server, detail, problem, run_id, update},
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

#[tokio::test]
async fn an_update_that_makes_a_run_too_large_is_rejected_and_the_run_stays_as_it_was() {
    let server = Server::with_flags(&["--max-bytes", "1MiB"]).await;
    let with = |id: &str| json!({"run_id": run_id(1), "outputs": [{"id": id, "data": "x".repeat(40_000)}]});
    server.accept(with("a").to_string()).await;
    let before = server.run(&run_id(1)).await;
    let problem = problem(server.post(with("b").to_string()).await, 413).await;
    assert!(detail(&problem).contains("65536 bytes"), "{problem}");
    assert_eq!(server.run(&run_id(1)).await, before);
    // An output that is known already takes no memory, however often it arrives.
    server.accept(with("a").to_string()).await;
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
