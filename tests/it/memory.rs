//! The memory of the program under floods. Only Linux tells it in a file.

use std::fmt::Write as _;

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{Process, WEBHOOK, run_id};

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

#[tokio::test]
async fn memory_stays_within_the_bytes_set_however_small_the_outputs_are() {
    let process = Process::serve(&["--max-bytes", "1MiB"]);
    flood(&process, 0..5_000).await;
    let after_a_little = resident_kib(&process);
    flood(&process, 5_000..25_000).await;
    let after_a_lot = resident_kib(&process);
    assert!(
        after_a_lot < after_a_little + 1024,
        "{after_a_little} KiB grew to {after_a_lot} KiB"
    );
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
