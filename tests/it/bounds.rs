//! What the store may hold, seen from outside.

use std::fmt::Write as _;

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{Process, Server, WEBHOOK, problem};

fn run_id(n: usize) -> String {
    format!("7c9e6679-7425-40de-944b-{n:012}")
}

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
    while is_kept(&server, 1).await {}
    assert_eq!(server.json("/api/runs").await["runs"], json!([]));
}

/// A bounded flood; the README's figures come from a longer one.
#[tokio::test]
async fn a_flood_of_distinct_run_ids_leaves_memory_flat() {
    let process = Process::serve(&["--max-runs", "1000"]);
    flood(&process, 0..5_000).await;
    let after_a_little = resident_kib(&process);
    flood(&process, 5_000..25_000).await;
    let after_a_lot = resident_kib(&process);
    assert!(
        after_a_lot < after_a_little + 4 * 1024,
        "{after_a_little} KiB grew to {after_a_lot} KiB"
    );
}

async fn flood(process: &Process, runs: std::ops::Range<usize>) {
    let mut connection = BufReader::new(TcpStream::connect(process.address).await.unwrap());
    let runs: Vec<usize> = runs.collect();
    for batch in runs.chunks(100) {
        let mut requests = String::new();
        for n in batch {
            let body = json!({"run_id": run_id(*n), "status": "running"}).to_string();
            let length = body.len();
            write!(
                requests,
                "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
        connection
            .get_mut()
            .write_all(requests.as_bytes())
            .await
            .unwrap();
        let mut answered = 0;
        let mut line = String::new();
        while answered < batch.len() {
            line.clear();
            connection.read_line(&mut line).await.unwrap();
            assert!(
                !line.starts_with("HTTP/1.1") || line.starts_with("HTTP/1.1 200 "),
                "{line}"
            );
            answered += usize::from(line == "\r\n");
        }
    }
}

fn resident_kib(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
