//! What the store may hold, seen from outside.

use serde_json::json;

use crate::harness::{Server, patiently, problem, run_id};

async fn is_kept(server: &Server, n: usize) -> bool {
    server
        .get(&format!("/api/runs/{}", run_id(n)))
        .await
        .status()
        == 200
}

#[tokio::test]
async fn over_the_number_of_runs_the_least_recently_updated_goes_first() {
    let server = Server::with_flags(&["--max-runs", "3"]).await;
    for n in [1, 2, 3, 1, 4] {
        server
            .accept(json!({"run_id": run_id(n)}).to_string())
            .await;
    }
    // Reading a run does not keep it.
    assert!(!is_kept(&server, 2).await);
    assert!(is_kept(&server, 3).await);
    server
        .accept(json!({"run_id": run_id(5)}).to_string())
        .await;
    assert!(!is_kept(&server, 3).await);
    for n in [1, 4, 5] {
        assert!(is_kept(&server, n).await, "{n}");
    }
}

#[tokio::test]
async fn over_the_bytes_the_least_recently_updated_goes_first() {
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
async fn a_run_over_its_share_is_refused_and_stays_as_it_was() {
    let server = Server::with_flags(&["--max-bytes", "1MiB"]).await;
    let with = |id: &str| json!({"run_id": run_id(1), "outputs": [{"id": id, "data": "x".repeat(40_000)}]});
    server.accept(with("a").to_string()).await;
    let before = server.run(&run_id(1)).await;
    let problem = problem(server.post(with("b").to_string()).await, 413).await;
    assert!(
        problem["detail"].as_str().unwrap().contains("65536 bytes"),
        "{problem}"
    );
    assert_eq!(server.run(&run_id(1)).await, before);
    // What is known already costs nothing, however often it comes.
    server.accept(with("a").to_string()).await;
}

#[tokio::test]
async fn a_run_is_dropped_when_its_time_is_over() {
    let server = Server::with_flags(&["--retention", "1ms"]).await;
    server
        .accept(json!({"run_id": run_id(1)}).to_string())
        .await;
    patiently(async { while is_kept(&server, 1).await {} }).await;
    assert_eq!(server.json("/api/runs").await["runs"], json!([]));
}
