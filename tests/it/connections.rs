//! Connections: how many, and how slow.

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::harness::{Server, assert_healthy, read_to_end, send, until, update};

/// Connects `count` clients that begin a request and do not go on.
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
async fn five_hundred_slow_clients_delay_no_update() {
    let server = Server::with_flags(&["--header-timeout", "1h"]).await;
    let slow = slow_clients(&server, 500).await;
    let open = "comfydeploy_webhook_connections_open 501";
    server.until_metric(open).await;
    server.accept(update(1, "queued")).await;
    server.until_metric(open).await;
    drop(slow);
}

#[tokio::test]
async fn slow_clients_are_disconnected_after_the_header_timeout() {
    let server = Server::with_flags(&["--header-timeout", "100ms"]).await;
    for connection in &mut slow_clients(&server, 500).await {
        assert_eq!(read_to_end(connection).await, "");
    }
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="headers"} 500"#;
    server.until_metric(closed).await;
}

#[tokio::test]
async fn headers_sent_byte_by_byte_do_not_extend_the_header_timeout() {
    let server = Server::with_flags(&["--header-timeout", "100ms"]).await;
    let mut connection = server.connect().await;
    send(&mut connection, "GET / HTTP/1.1\r\n").await;
    until("the server closes the connection", async || {
        connection.write_all(b"x").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn idle_connections_have_a_timeout_of_their_own() {
    let server = Server::with_flags(&["--header-timeout", "1s", "--idle-timeout", "1h"]).await;
    let mut idle = server.connect().await;
    assert_healthy(&mut idle).await;
    // The header timeout applies again as soon as another request begins.
    let mut begun = server.connect().await;
    assert_healthy(&mut begun).await;
    send(&mut begun, "GET").await;
    // It also applies to the first request of a connection.
    let mut silent = server.connect().await;
    for closed in [&mut begun, &mut silent] {
        assert_eq!(read_to_end(closed).await, "");
    }
    assert_healthy(&mut idle).await;

    let server = Server::with_flags(&["--idle-timeout", "50ms"]).await;
    let mut idle = server.connect().await;
    assert_healthy(&mut idle).await;
    assert_eq!(read_to_end(&mut idle).await, "");
}
