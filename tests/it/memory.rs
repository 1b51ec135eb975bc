//! The memory of the program under floods. Only Linux tells it in a file.

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{Process, run_id, update_head};

#[tokio::test]
async fn a_flood_of_distinct_run_ids_leaves_memory_flat() {
    let growth = growth_kib(&["--max-runs", "1000"]).await;
    assert!(growth < 4 * 1024, "it grew by {growth} KiB");
}

#[tokio::test]
async fn memory_stays_within_the_bytes_set_however_small_the_outputs_are() {
    let growth = growth_kib(&["--max-bytes", "1MiB"]).await;
    assert!(growth < 1024, "it grew by {growth} KiB");
}

/// What a long flood costs that a short one did not.
async fn growth_kib(flags: &[&str]) -> usize {
    let process = Process::serve(flags);
    flood(&process, 0..5_000).await;
    let after_a_little = resident_kib(&process);
    flood(&process, 5_000..25_000).await;
    resident_kib(&process).saturating_sub(after_a_little)
}

/// Each run with three outputs of next to nothing.
async fn flood(process: &Process, runs: std::ops::Range<usize>) {
    let mut connection = BufReader::new(TcpStream::connect(process.address).await.unwrap());
    let runs: Vec<usize> = runs.collect();
    for batch in runs.chunks(100) {
        let mut requests = String::new();
        for n in batch {
            let outputs = json!([{"id": 1}, {"id": 2}, {"id": 3}]);
            let body = json!({"run_id": run_id(*n), "outputs": outputs}).to_string();
            requests += &update_head(&format!("content-length: {}", body.len()));
            requests += &body;
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
