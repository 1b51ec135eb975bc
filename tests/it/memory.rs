//! The memory of the program under attack. Only Linux tells it in a file.

use std::fmt::Display;

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::harness::{Process, WEBHOOK, connect_deaf, head, read_to_end, run_id, update_head};

const MIB: usize = 1024 * 1024;

/// What the README promises beside the limits set by flags.
const SLACK: usize = 64 * MIB;

#[tokio::test]
async fn a_flood_of_distinct_run_ids_leaves_memory_flat() {
    let growth = growth(&["--max-runs", "1000"]).await;
    assert!(growth < 4 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
async fn memory_stays_within_the_bytes_set_however_small_the_outputs_are() {
    let growth = growth(&["--max-bytes", "1MiB"]).await;
    assert!(growth < MIB, "it grew by {growth} bytes");
}

/// What a long flood costs that a short one did not.
async fn growth(flags: &[&str]) -> usize {
    let process = Process::serve(flags);
    let small = |n| json!({"run_id": run_id(n), "outputs": [{"id": 1}, {"id": 2}, {"id": 3}]});
    flood(&process, 0..5_000, small).await;
    let after_a_little = memory(&process, "VmRSS");
    flood(&process, 5_000..25_000, small).await;
    memory(&process, "VmRSS").saturating_sub(after_a_little)
}

#[tokio::test]
async fn memory_is_taken_for_what_has_arrived_and_not_for_what_is_announced() {
    let process = Process::serve(&["--max-body", "1GiB"]);
    let before = memory(&process, "VmSize");
    let begun = update_head("content-length: 1000000000") + &" ".repeat(10_000);
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    connection.write_all(begun.as_bytes()).await.unwrap();
    process
        .until_metric("comfydeploy_webhook_body_bytes_in_flight 16384")
        .await;
    let growth = memory(&process, "VmSize") - before;
    assert!(growth < 500 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
async fn a_wrong_value_costs_no_more_than_the_body_that_holds_it() {
    let process = Process::serve(&[]);
    let before = memory(&process, "VmHWM");
    // An error that escaped this character would be six times as long.
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
#[ignore = "takes long; run it with: cargo test --release --test it -- --ignored --nocapture memory"]
async fn a_million_run_ids_cost_no_more_than_the_limits_say() {
    let process = Process::serve(&[]);
    flood(
        &process,
        0..1_000_000,
        |n| json!({"run_id": run_id(n), "status": "queued"}),
    )
    .await;
    within(&process, "1,000,000 run ids, 100,000 kept", 256 * MIB);
}

#[tokio::test]
#[ignore = "takes long; run it with: cargo test --release --test it -- --ignored --nocapture memory"]
async fn outputs_of_a_mebibyte_cost_no_more_than_the_limits_say() {
    let process = Process::serve(&[]);
    let data = "x".repeat(MIB);
    let large = |n| json!({"run_id": run_id(n), "outputs": [{"id": "x", "data": data}]});
    flood(&process, 0..2_000, large).await;
    within(
        &process,
        "2,000 outputs of 1 MiB, 255 kept",
        (256 + 64) * MIB,
    );
}

#[tokio::test]
#[ignore = "takes long; run it with: cargo test --release --test it -- --ignored --nocapture memory"]
async fn half_sent_requests_and_what_nobody_reads_cost_no_more_than_the_limits_say() {
    let process = Process::serve(&["--body-timeout", "1h", "--header-timeout", "1h"]);
    // A line that ends in an output must not become one of an event.
    let lines = "\n".repeat(3 * MIB);
    let large = |n| {
        let run_id = run_id(0);
        format!(r#"{{"run_id":"{run_id}","outputs":[{{"id":{n},"data":[{lines}]}}]}}"#)
    };
    flood(&process, 0..5, large).await;
    let show = head(
        "GET",
        &format!("/api/runs/{}", run_id(0)),
        "text/plain",
        "x: y",
    );
    let watch = head("GET", "/api/events", "text/plain", "x: y");
    let half_head = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(15 * 1024));
    let half_body = update_head("content-length: 4194304") + &" ".repeat(MIB);
    let mut held = Vec::new();
    for _ in 0..250 {
        for request in [&show, &watch, &half_head, &half_body] {
            let connection = connect_deaf(process.address).await;
            // As much as goes without waiting: the service does not read all of it.
            connection.writable().await.unwrap();
            let _ = connection.try_write(request.as_bytes());
            held.push((connection, request));
        }
    }
    // An update is taken meanwhile, and behind it the rest of what is sent has been looked at.
    flood(&process, 0..10_000, |n| json!({"run_id": run_id(n)})).await;
    for (connection, request) in &held {
        let _ = connection.try_write(&request.as_bytes()[request.len() / 2..]);
    }
    flood(&process, 0..10_000, |n| json!({"run_id": run_id(n)})).await;
    // Wrong values are diagnosed meanwhile.
    let wrong = update_head("content-length: 4000013\r\nconnection: close")
        + &format!(r#"{{"status":"{}"}}"#, "\u{7f}".repeat(4_000_000));
    for _ in 0..20 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        connection.write_all(wrong.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut connection).await;
        assert!(
            answer.starts_with("HTTP/1.1 422 ") || answer.starts_with("HTTP/1.1 503 "),
            "{answer}"
        );
    }
    within(
        &process,
        "250 unread answers of 15 MiB, 250 streams of it that nobody reads, 250 half heads, 250 half bodies \
         of 4 MiB",
        (256 + 64 + 64 + 32) * MIB,
    );
}

/// Prints the most memory that was ever in use, which is to be at most `limits` and the slack.
fn within(process: &Process, attack: &str, limits: usize) {
    let most = memory(process, "VmHWM");
    let (is, may) = (most / MIB, (limits + SLACK) / MIB);
    println!("{attack}: at most {is} MiB resident, of {may} MiB");
    assert!(is < may, "{attack}: {is} MiB, expected less than {may} MiB");
}

/// Sends an update for each number, many at a time, and waits until all are taken.
async fn flood<D: Display>(
    process: &Process,
    numbers: std::ops::Range<usize>,
    update: impl Fn(usize) -> D,
) {
    let connection = TcpStream::connect(process.address).await.unwrap();
    let (reader, mut writer) = connection.into_split();
    let count = numbers.len();
    let answers = tokio::spawn(async move {
        let mut lines = BufReader::new(reader).lines();
        let mut answered = 0;
        while answered < count {
            let line = lines.next_line().await.unwrap().unwrap();
            assert!(
                !line.starts_with("HTTP/1.1") || line.starts_with("HTTP/1.1 200 "),
                "{line}"
            );
            answered += usize::from(line.is_empty());
        }
    });
    let mut requests = Vec::new();
    for n in numbers {
        let body = update(n).to_string();
        requests.extend(update_head(&format!("content-length: {}", body.len())).into_bytes());
        requests.extend(body.into_bytes());
        if requests.len() > 64 * 1024 {
            writer.write_all(&requests).await.unwrap();
            requests.clear();
        }
    }
    writer.write_all(&requests).await.unwrap();
    answers.await.unwrap();
}

/// A line of the operating system's account of the process, in bytes.
fn memory(process: &Process, line: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find(|is| is.starts_with(line)).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}
