//! What those who watch may cost: their number, their memory, and how soon they let go.

use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    harness::{Process, Server, connect_deaf, head, patiently, problem, read_to_end, run_id, send},
    sse::Stream,
};

const SUBSCRIBERS: &str = "comfydeploy_webhook_subscribers";

fn get(path: &str) -> String {
    head("GET", path, "text/plain", "x: y")
}

/// An update that replaces the run's one output by another of 100 kB.
fn large_update(version: usize) -> String {
    let data = "x".repeat(100_000);
    let output = json!({"id": "x", "0_updated_at": version, "updated_at": version, "data": data});
    json!({"run_id": run_id(1), "outputs": [output]}).to_string()
}

#[tokio::test]
async fn there_are_as_many_subscribers_as_there_may_be_and_each_makes_room_when_it_leaves() {
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
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("--max-subscribers")
        );
    }
    problem(server.get(&format!("{one_run}?wait=0")).await, 404).await;
    let over = json!({"run_id": run_id(1), "status": "success"});
    server.accept(over.to_string()).await;
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
async fn subscribers_leave_half_of_the_connections_to_updates() {
    let server = Server::with_flags(&["--max-connections", "4"]).await;
    let _two = [
        Stream::open(&server, "/api/events").await,
        Stream::open(&server, "/api/events").await,
    ];
    problem(server.get("/api/events").await, 503).await;
    server.accept("{}").await;
}

#[tokio::test]
async fn a_subscriber_who_does_not_read_holds_up_nobody_and_starts_over_when_it_does() {
    let server = Server::with_flags(&["--stream-backlog", "8"]).await;
    let mut deaf = connect_deaf(server.address).await;
    send(&mut deaf, get("/api/events")).await;
    server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
    for version in 100..300 {
        server.accept(large_update(version)).await;
    }
    let mut text = String::new();
    patiently(async {
        while !text.contains("\"0_updated_at\":299") {
            let mut more = vec![0; 64 * 1024];
            let read = deaf.read(&mut more).await.unwrap();
            assert!(read > 0, "the stream has ended");
            text += str::from_utf8(&more[..read]).unwrap();
        }
    })
    .await;
    assert!(text.contains(r#"{"reason":"behind"}"#));
    let told = text.matches("\"0_updated_at\":").count();
    assert!(told < 200, "what nobody read was not kept: {told}");
}

#[tokio::test]
async fn at_a_signal_streams_end_waiting_is_over_and_the_deaf_are_left() {
    let mut process = Process::serve(&["--drain-timeout", "1h", "--send-timeout", "1h"]);
    let wait = format!("/api/runs/{}?wait=60", run_id(2));
    let one = format!("/api/runs/{}/events", run_id(2));
    let mut held = Vec::new();
    for path in ["/api/events", &one, &wait] {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, get(path)).await;
        held.push(connection);
    }
    let mut deaf = connect_deaf(process.address).await;
    send(&mut deaf, get("/api/events")).await;
    process.until_metric(&format!("{SUBSCRIBERS} 4")).await;
    for version in 100..200 {
        let response = process.post(crate::harness::WEBHOOK, large_update(version));
        assert_eq!(response.await.status(), 200);
    }
    process.signal("TERM");
    let [mut all, mut one, mut wait] = <[TcpStream; 3]>::try_from(held).unwrap();
    for stream in [&mut all, &mut one] {
        assert!(read_to_end(stream).await.ends_with("\r\n0\r\n\r\n"));
    }
    assert!(read_to_end(&mut wait).await.starts_with("HTTP/1.1 404 "));
    let (code, log) = process.end();
    assert_eq!(code, Some(0));
    assert!(!log.contains("gave up"), "{log}");
    drop(deaf);
}

#[tokio::test]
async fn a_reader_needs_its_token_to_watch() {
    let server = Server::with_tokens("", "reader", &[]).await;
    let one = format!("/api/runs/{}/events", run_id(1));
    for path in ["/api/events", &one] {
        problem(server.get(path).await, 401).await;
        Stream::open(&server, &format!("{path}?token=reader")).await;
        let request = server.request(Method::GET, path).bearer_auth("reader");
        assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
    }
}
