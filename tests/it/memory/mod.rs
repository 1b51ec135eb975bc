//! The memory of the program under attack, as Linux reports it.
//!
//! What a process takes depends on its allocator and on how it was compiled. So these tests are ignored unless
//! asked for, need the feature `jemalloc`, and `.ci/run` runs them in release, nearly as the program ships.

#[cfg(feature = "sqlite")]
mod durable;
mod fragmentation;
mod large;

use std::{fmt::Display, net::SocketAddr};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{
    Process, WEBHOOK, connect_not_reading, get, head, read_to_end, run_id, send, update,
    update_head,
};

const MIB: usize = 1024 * 1024;

/// What OPERATIONS.md allows beside the limits that flags set.
const SLACK: usize = 96 * MIB;

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_flood_of_distinct_run_ids_leaves_memory_flat() {
    let growth = growth(&["--max-runs", "1000"]).await;
    assert!(growth < 4 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn memory_stays_within_max_bytes_however_small_the_outputs_are() {
    let growth = growth(&["--max-bytes", "1MiB"]).await;
    assert!(growth < MIB, "it grew by {growth} bytes");
}

/// How much more memory a long flood takes than a short one.
async fn growth(flags: &[&str]) -> usize {
    // A long backlog grows until it is full.
    let process = Process::serve(&[flags, &["--stream-backlog", "1000"]].concat());
    let small = |n| json!({"run_id": run_id(n), "outputs": [{"id": 1}, {"id": 2}, {"id": 3}]});
    flood(process.address, 0..5_000, small).await;
    let after_a_little = memory(&process, "VmRSS");
    flood(process.address, 5_000..25_000, small).await;
    memory(&process, "VmRSS").saturating_sub(after_a_little)
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_content_length_allocates_nothing_before_the_body_arrives() {
    // More threads could each reserve address space for an arena of their own.
    let process = Process::serve(&["--max-body", "1GiB", "--threads", "1"]);
    let before = memory(&process, "VmSize");
    let begun = update_head("content-length: 1000000000") + &" ".repeat(10_000);
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    send(&mut connection, begun).await;
    process
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 131072")
        .await;
    let growth = memory(&process, "VmSize") - before;
    assert!(growth < 16 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn an_error_about_a_large_value_takes_no_more_memory_than_the_body() {
    let process = Process::serve(&[]);
    let before = memory(&process, "VmHWM");
    // An error that escaped this character would be six times as long as the value.
    let text = format!("\"{}\"", "\u{7f}".repeat(4_000_000));
    for body in [
        format!(r#"{{"status":{text}}}"#),
        format!(r#"{{"run_id":{text}}}"#),
        format!(r#"{{"progress":{text}}}"#),
        format!(r#"{{"outputs":{text}}}"#),
        format!(r#"{{"outputs":[{text}]}}"#),
        text,
    ] {
        let response = process.post(WEBHOOK, body).await;
        assert_eq!(response.status(), 422);
    }
    let growth = memory(&process, "VmHWM") - before;
    assert!(growth < 16 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_million_run_ids_stay_within_the_memory_limits() {
    let process = Process::serve(&[]);
    flood(process.address, 0..1_000_000, |n| update(n, "queued")).await;
    assert_within(&process, "1,000,000 run ids, 100,000 kept", 256 * MIB);
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn outputs_of_one_mebibyte_stay_within_the_memory_limits() {
    let process = Process::serve(&[]);
    let data = "x".repeat(MIB);
    let large = |n| json!({"run_id": run_id(n), "outputs": [{"id": "x", "data": data}]});
    flood(process.address, 0..2_000, large).await;
    assert_within(
        &process,
        "2,000 outputs of 1 MiB, 255 kept",
        (256 + 64) * MIB,
    );
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn labels_stay_within_the_memory_limits() {
    let process = Process::serve(&["--max-runs", "1000000", "--max-bytes", "128MiB"]);
    // Their texts are just too long to be kept without allocations of their own.
    let labels: Vec<_> = (0..16).map(|n| format!("{n:n<25}={:v<25}", "")).collect();
    let path = format!("{WEBHOOK}?{}", labels.join("&"));
    flood_at(&path, process.address, 0..100_000, |n| update(n, "queued")).await;
    assert_within(
        &process,
        "100,000 runs of 16 labels, 128 MiB kept",
        128 * MIB,
    );
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn half_sent_requests_and_unread_responses_stay_within_the_memory_limits() {
    let process = Process::serve(&["--body-timeout", "1h", "--header-timeout", "1h"]);
    // Newlines inside an output must not become lines of an event.
    let lines = "\n".repeat(3 * MIB - 1024);
    let large = |n| {
        let run_id = run_id(0);
        format!(r#"{{"run_id":"{run_id}","outputs":[{{"id":{n},"data":[{lines}]}}]}}"#)
    };
    flood(process.address, 0..5, large).await;
    let read = get(&format!("/api/runs/{}", run_id(0)));
    let watch = get("/api/events");
    let half_head = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(15 * 1024));
    let half_body = update_head("content-length: 4194304") + &" ".repeat(MIB);
    let mut held = Vec::new();
    for _ in 0..250 {
        for request in [&read, &watch, &half_head, &half_body] {
            let connection = connect_not_reading(process.address).await;
            // As much as can be sent without waiting: the service does not read all of it.
            connection.writable().await.unwrap();
            let _ = connection.try_write(request.as_bytes());
            held.push((connection, request));
        }
    }
    // Updates are accepted meanwhile; by then the service has read what the clients above sent.
    flood(process.address, 0..10_000, |n| json!({"run_id": run_id(n)})).await;
    for (connection, request) in &held {
        let _ = connection.try_write(&request.as_bytes()[request.len() / 2..]);
    }
    flood(process.address, 0..10_000, |n| json!({"run_id": run_id(n)})).await;
    // Large wrong values are rejected meanwhile.
    let wrong = update_head("content-length: 4000013\r\nconnection: close")
        + &format!(r#"{{"status":"{}"}}"#, "\u{7f}".repeat(4_000_000));
    for _ in 0..20 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, &wrong).await;
        let response = read_to_end(&mut connection).await;
        assert!(
            response.starts_with("HTTP/1.1 422 ") || response.starts_with("HTTP/1.1 503 "),
            "{response}"
        );
    }
    assert_within(
        &process,
        "250 unread responses of 15 MiB, 250 unread streams of the same, 250 half heads, 250 half bodies of \
         4 MiB",
        (256 + 48 + 48 + 24) * MIB,
    );
}

/// Prints the peak memory, and checks that it is less than `limits` and the slack.
fn assert_within(process: &Process, attack: &str, limits: usize) {
    let peak = memory(process, "VmHWM") / MIB;
    let limit = (limits + SLACK) / MIB;
    println!("{attack}: at most {peak} MiB resident, of {limit} MiB");
    assert!(
        peak < limit,
        "{attack}: {peak} MiB, expected less than {limit} MiB"
    );
}

/// Sends an update for each number, many at a time, and waits until all are accepted.
async fn flood<D: Display>(
    address: SocketAddr,
    numbers: std::ops::Range<usize>,
    update: impl FnMut(usize) -> D,
) {
    flood_at(WEBHOOK, address, numbers, update).await;
}

async fn flood_at<D: Display>(
    path: &str,
    address: SocketAddr,
    numbers: std::ops::Range<usize>,
    mut update: impl FnMut(usize) -> D,
) {
    let connection = TcpStream::connect(address).await.unwrap();
    let (reader, mut writer) = connection.into_split();
    let count = numbers.len();
    let responses = tokio::spawn(async move {
        let mut lines = BufReader::new(reader).lines();
        let mut received = 0;
        while received < count {
            let line = lines.next_line().await.unwrap().unwrap();
            assert!(
                !line.starts_with("HTTP/1.1") || line.starts_with("HTTP/1.1 200 "),
                "{line}"
            );
            received += usize::from(line.is_empty());
        }
    });
    let mut requests = Vec::new();
    for n in numbers {
        let body = update(n).to_string();
        let size = format!("content-length: {}", body.len());
        requests.extend(head("POST", path, "application/json", &size).into_bytes());
        requests.extend(body.into_bytes());
        if requests.len() > 64 * 1024 {
            writer.write_all(&requests).await.unwrap();
            requests.clear();
        }
    }
    writer.write_all(&requests).await.unwrap();
    responses.await.unwrap();
}

/// A figure of `/proc/PID/status`, in bytes.
fn memory(process: &Process, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
