//! Subscribers: how many there may be, what a stalled one costs, and how streams and waits end.

use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    harness::{
        Process, Server, WEBHOOK, assert_status, connect_not_reading, detail, get, problem,
        read_to_end, run_id, send, update, with_timeout,
    },
    sse::Stream,
};

const SUBSCRIBERS: &str = "comfydeploy_webhook_subscribers";

/// An update that replaces the one output of the run by another of 100 kB.
fn large_update(version: usize) -> String {
    let data = "x".repeat(100_000);
    let output = json!({"id": "x", "0_updated_at": version, "updated_at": version, "data": data});
    json!({"run_id": run_id(1), "outputs": [output]}).to_string()
}

#[tokio::test]
async fn over_max_subscribers_a_new_one_is_rejected_until_another_leaves() {
    let server = Server::with_flags(&["--max-subscribers", "2"]).await;
    let one_run = format!("/api/runs/{}", run_id(1));
    let first = Stream::open(&server, "/api/events").await;
    let _second = Stream::open(&server, &format!("{one_run}/events")).await;
    for path in [
        "/api/events",
        &format!("{one_run}/events"),
        &format!("{one_run}?wait=60"),
    ] {
        let response = server.get(path).await;
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let problem = problem(response, 503).await;
        assert!(detail(&problem).contains("--max-subscribers"), "{problem}");
    }
    problem(server.get(&format!("{one_run}?wait=0")).await, 404).await;
    server.accept(update(1, "success")).await;
    assert_eq!(
        server.get(&format!("{one_run}?wait=60")).await.status(),
        200,
        "there is nothing to wait for"
    );
    drop(first);
    server.until_metric(&format!("{SUBSCRIBERS} 0")).await;
    Stream::open(&server, "/api/events").await;
}

#[tokio::test]
async fn subscribers_take_at_most_half_of_the_connections() {
    let server = Server::with_flags(&["--max-connections", "4"]).await;
    let _two = [
        Stream::open(&server, "/api/events").await,
        Stream::open(&server, "/api/events").await,
    ];
    problem(server.get("/api/events").await, 503).await;
    server.accept("{}").await;
}

#[tokio::test]
async fn a_stalled_subscriber_delays_no_update_and_receives_a_snapshot_when_it_reads_again() {
    let server = Server::with_flags(&["--stream-backlog", "8"]).await;
    let mut stalled = connect_not_reading(server.address).await;
    send(&mut stalled, get("/api/events")).await;
    server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
    for version in 100..300 {
        server.accept(large_update(version)).await;
    }
    let last = "\"0_updated_at\":299";
    let mut text = String::new();
    let mut searched = 0;
    with_timeout(async {
        while !text[searched..].contains(last) {
            searched = text.len().saturating_sub(last.len());
            let mut more = vec![0; 64 * 1024];
            let read = stalled.read(&mut more).await.unwrap();
            assert!(read > 0, "the stream has ended");
            text += str::from_utf8(&more[..read]).unwrap();
        }
    })
    .await;
    assert!(text.contains(r#"{"reason":"behind"}"#));
    let sent = text.matches("\"0_updated_at\":").count();
    assert!(sent < 200, "all {sent} states were kept for it");
}

#[tokio::test]
async fn a_signal_ends_streams_and_waits_and_no_stalled_client_delays_the_exit() {
    let mut process = Process::serve(&["--drain-timeout", "1h", "--send-timeout", "1h"]);
    let wait = format!("/api/runs/{}?wait=60", run_id(2));
    let one = format!("/api/runs/{}/events", run_id(2));
    let mut held = Vec::new();
    for path in ["/api/events", &one, &wait] {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, get(path)).await;
        held.push(connection);
    }
    let mut stalled = connect_not_reading(process.address).await;
    send(&mut stalled, get("/api/events")).await;
    process.until_metric(&format!("{SUBSCRIBERS} 4")).await;
    for version in 100..200 {
        let response = process.post(WEBHOOK, large_update(version));
        assert_eq!(response.await.status(), 200);
    }
    process.signal("TERM");
    let [mut all, mut one, mut wait] = <[TcpStream; 3]>::try_from(held).unwrap();
    for stream in [&mut all, &mut one] {
        assert!(read_to_end(stream).await.ends_with("\r\n0\r\n\r\n"));
    }
    assert_status(&read_to_end(&mut wait).await, 404);
    let (code, log) = process.end();
    assert_eq!(code, Some(0));
    assert!(!log.contains("gave up"), "{log}");
    drop(stalled);
}

#[tokio::test]
async fn a_stream_needs_the_read_token() {
    let server = Server::with_tokens("", "reader", &[]).await;
    let one = format!("/api/runs/{}/events", run_id(1));
    for path in ["/api/events", &one] {
        problem(server.get(path).await, 401).await;
        Stream::open(&server, &format!("{path}?token=reader")).await;
        let request = server.request(Method::GET, path).bearer_auth("reader");
        assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
    }
}
