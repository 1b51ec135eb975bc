//! Connections: how many, and how slow.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Server, head, patiently, read_to_end, run_id, send};

fn healthz() -> String {
    head("GET", "/healthz", "text/plain", "x: y")
}

/// Sends a request and reads its answer; the connection stays open.
async fn is_well(connection: &mut TcpStream) {
    send(connection, healthz()).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let read = patiently(connection.read_buf(&mut answer)).await.unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8(answer));
    }
}

/// So many clients that begin a request and do not go on.
async fn slow_clients(server: &Server, count: usize) -> Vec<TcpStream> {
    let mut slow = Vec::new();
    for _ in 0..count {
        let mut connection = server.connect().await;
        send(
            &mut connection,
            "POST /api/webhooks/run-update HTTP/1.1\r\nx",
        )
        .await;
        slow.push(connection);
    }
    slow
}

#[tokio::test]
async fn five_hundred_slow_clients_hold_up_no_update() {
    let server = Server::with_flags(&["--header-timeout", "1h"]).await;
    let slow = slow_clients(&server, 500).await;
    server
        .until_metric("comfydeploy_webhook_connections_open 501")
        .await;
    server
        .accept(format!(r#"{{"run_id":"{}"}}"#, run_id(1)))
        .await;
    server
        .until_metric("comfydeploy_webhook_connections_open 501")
        .await;
    drop(slow);
}

#[tokio::test]
async fn five_hundred_slow_clients_are_closed() {
    let server = Server::with_flags(&["--header-timeout", "100ms"]).await;
    for connection in &mut slow_clients(&server, 500).await {
        assert_eq!(read_to_end(connection).await, "");
    }
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="headers"} 500"#;
    server.until_metric(closed).await;
}

#[tokio::test]
async fn headers_that_go_on_for_ever_are_not_waited_for() {
    let server = Server::with_flags(&["--header-timeout", "100ms"]).await;
    let mut connection = server.connect().await;
    send(&mut connection, "GET / HTTP/1.1\r\n").await;
    // A byte now and then, whenever another request was answered, does not help.
    patiently(async {
        while connection.write_all(b"x").await.is_ok() {
            server.get("/healthz").await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_its_own_time() {
    let server = Server::with_flags(&["--header-timeout", "1s", "--idle-timeout", "1h"]).await;
    let mut idle = server.connect().await;
    is_well(&mut idle).await;
    let mut silent = server.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "", "it never sent a thing");
    is_well(&mut idle).await;
    // Once a request has begun, it is the time for headers that counts.
    send(&mut idle, "GET").await;
    assert_eq!(read_to_end(&mut idle).await, "");

    let server = Server::with_flags(&["--idle-timeout", "50ms"]).await;
    let mut idle = server.connect().await;
    is_well(&mut idle).await;
    assert_eq!(read_to_end(&mut idle).await, "");
}

#[tokio::test]
async fn over_the_limit_a_connection_waits_and_the_established_ones_go_on() {
    let server = Server::with_flags(&["--max-connections", "2"]).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    is_well(&mut first).await;
    is_well(&mut second).await;
    let mut third = server.connect().await;
    send(&mut third, healthz()).await;
    is_well(&mut second).await;
    let request = head("GET", "/metrics", "text/plain", "connection: close");
    send(&mut first, request).await;
    let metrics = read_to_end(&mut first).await;
    assert!(
        metrics.contains("\ncomfydeploy_webhook_connections_open 2\n"),
        "{metrics}"
    );
    drop(first);
    is_well(&mut third).await;
}
