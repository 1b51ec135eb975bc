//! As many connections as `--max-connections` allows, and more.

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{
    Process, Server, allow_open_files, assert_healthy, assert_status, get, head, output, problem,
    read_status, read_to_end, send, text, update, update_head, with_timeout,
};

/// One request may take for ever, and keep all others out.
const ONE_SLOT: [&str; 4] = ["--max-connections", "1", "--body-timeout", "1h"];

const DISPLACED: &str = "comfydeploy_webhook_connections_displaced_total";

/// An update of the nth run, as a whole request.
fn update_request(n: usize, headers: &str) -> String {
    let body = update(n, "queued");
    update_head(&format!("content-length: {}{headers}", body.len())) + &body
}

/// A client that has sent half of an update.
async fn half_sent(server: &Server) -> TcpStream {
    let mut connection = server.connect().await;
    send(&mut connection, update_head("content-length: 2") + "{").await;
    connection
}

/// Sends an update on a connection of its own. It is left open.
async fn sent(server: &Server, n: usize) -> TcpStream {
    let mut connection = server.connect().await;
    send(&mut connection, update_request(n, "")).await;
    connection
}

/// Asks on a new connection whether the server is well. By then it has read what was sent before.
async fn probe(server: &Server, request: impl AsRef<[u8]>) -> String {
    let response = server.raw(request).await;
    assert_status(&response, 200);
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    response
}

#[tokio::test]
async fn the_connection_that_has_been_idle_longest_is_closed_for_a_new_one() {
    let server = Server::with_flags(&["--max-connections", "3"]).await;
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = server.connect().await;
        assert_healthy(&mut connection).await;
        connections.push(connection);
    }
    assert_healthy(&mut connections[0]).await;
    let mut newcomer = sent(&server, 1).await;
    assert_eq!(read_status(&mut newcomer).await, "200");
    assert_eq!(read_to_end(&mut connections[1]).await, "");
    assert_healthy(&mut connections[0]).await;
    assert_healthy(&mut connections[2]).await;
    let metrics = head("GET", "/metrics", "text/plain", "connection: close");
    send(&mut connections[0], metrics).await;
    let metrics = read_to_end(&mut connections[0]).await;
    for line in [
        &format!("{DISPLACED} 1"),
        "comfydeploy_webhook_connections_open 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
}

#[tokio::test]
async fn connections_without_a_whole_request_keep_no_update_out() {
    for start in ["", "GET", "POST / HTTP/1.1\r\nx"] {
        let flags = ["--max-connections", "8", "--header-timeout", "1h"];
        let server = Server::with_flags(&flags).await;
        let mut held = Vec::new();
        for n in 0..50 {
            let mut connection = server.connect().await;
            send(&mut connection, start).await;
            held.push(connection);
            if n % 10 == 9 {
                server.accept(update(n, "queued")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_neither_an_update_nor_the_health_check_out() {
    if !allow_open_files(4_096) {
        return;
    }
    let mut process = Process::serve(&["--idle-timeout", "1h"]);
    let mut idle = Vec::new();
    for _ in 0..1_024 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        assert_healthy(&mut connection).await;
        idle.push(connection);
    }
    let address = process.address.to_string();
    let check = Process::command(&["healthcheck", "--listen", &address]);
    let checked = output(check).await;
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    for n in 0..5 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, update_request(n, "")).await;
        assert_eq!(read_status(&mut connection).await, "200");
        idle.push(connection);
    }
    process.until_metric(&format!("{DISPLACED} 6")).await;
    let (_, log) = process.stop();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(
        lines[0].contains("--max-connections (1024)") && lines[0].contains("closed=1"),
        "{log}"
    );
}

#[tokio::test]
async fn probes_are_answered_while_every_connection_is_busy_and_an_update_waits() {
    let flags = ["--max-connections", "2", "--body-timeout", "1h"];
    let server = Server::with_flags(&flags).await;
    let mut busy = [half_sent(&server).await, half_sent(&server).await];
    let mut waiting = sent(&server, 1).await;
    let readiness = probe(&server, get("/readyz")).await;
    assert!(readiness.ends_with("ok\n"), "{readiness}");
    for request in [
        get("/healthz"),
        get("/healthz?x"),
        get("/readyz").replace("GET", "HEAD"),
    ] {
        probe(&server, request).await;
    }
    // The connection whose response comes next is closed for the update.
    send(&mut busy[0], "}").await;
    let response = read_to_end(&mut busy[0]).await;
    assert_status(&response, 200);
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert_eq!(read_status(&mut waiting).await, "200");
    // The one that waited has a place of its own now.
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n\r\n") {
        with_timeout(waiting.read_buf(&mut rest)).await.unwrap();
    }
    assert_healthy(&mut waiting).await;
    send(&mut busy[1], "}").await;
    assert_eq!(read_status(&mut busy[1]).await, "200");
}

#[tokio::test]
async fn a_client_that_sends_without_a_pause_makes_room_after_a_response() {
    let server = Server::with_flags(&["--max-connections", "1"]).await;
    let busy = server.connect().await;
    let (mut responses, mut requests) = busy.into_split();
    let sending = tokio::spawn(async move {
        while requests
            .write_all(update_request(1, "").as_bytes())
            .await
            .is_ok()
        {}
    });
    let mut first = [0; 12];
    with_timeout(responses.read_exact(&mut first))
        .await
        .unwrap();
    let reading = tokio::spawn(async move {
        let mut text = Vec::new();
        // It may be reset, since the client goes on sending.
        let _ = responses.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    });
    server.accept(update(2, "queued")).await;
    let text = with_timeout(reading).await.unwrap();
    assert_eq!(text.matches("connection: close").count(), 1);
    sending.await.unwrap();
}

#[tokio::test]
async fn when_too_many_requests_wait_the_oldest_is_told_to_come_again() {
    let server = Server::with_flags(&ONE_SLOT).await;
    let mut busy = half_sent(&server).await;
    let mut waiting = Vec::new();
    for n in 0..33 {
        waiting.push(sent(&server, n).await);
    }
    let response = read_to_end(&mut waiting.remove(0)).await;
    assert_status(&response, 503);
    for expected in [
        "retry-after: 1",
        "connection: close",
        "cache-control: no-store",
        "--max-connections",
    ] {
        assert!(response.contains(expected), "{expected}: {response}");
    }
    probe(&server, get("/healthz")).await;
    drop(waiting.remove(0));
    send(&mut busy, "}").await;
    for mut connection in waiting {
        assert_eq!(read_status(&mut connection).await, "200");
    }
    let refused = r#"comfydeploy_webhook_updates_refused_total{reason="busy"} 2"#;
    server.until_metric(refused).await;
}

#[tokio::test]
async fn silent_connections_in_the_reserve_block_no_probe() {
    let flags = [&ONE_SLOT[..], &["--header-timeout", "1h"]].concat();
    let server = Server::with_flags(&flags).await;
    let _busy = half_sent(&server).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(server.connect().await);
    }
    probe(&server, get("/healthz")).await;
    assert_eq!(read_to_end(&mut silent[0]).await, "");
}

#[tokio::test]
async fn a_request_for_which_no_slot_is_free_waits_no_longer_than_for_headers() {
    let flags = [&ONE_SLOT[..], &["--header-timeout", "1s"]].concat();
    let server = Server::with_flags(&flags).await;
    let _busy = half_sent(&server).await;
    problem(server.get("/api/runs").await, 503).await;
}

/// A client that keeps its connection and opens another one when that was closed.
struct Client {
    connection: Option<TcpStream>,
    connected: usize,
}

impl Client {
    async fn deliver(&mut self, process: &Process, n: usize) {
        loop {
            let connection = match &mut self.connection {
                Some(open) => open,
                closed => {
                    self.connected += 1;
                    closed.insert(TcpStream::connect(process.address).await.unwrap())
                }
            };
            let request = update_request(n, "\r\naccept: application/json");
            let mut response = Vec::new();
            if connection.write_all(request.as_bytes()).await.is_ok() {
                while !response.ends_with(b"}\n") {
                    let read = with_timeout(connection.read_buf(&mut response)).await;
                    if read.unwrap_or(0) == 0 {
                        break;
                    }
                }
            }
            if response.is_empty() {
                self.connection = None;
                continue;
            }
            let response = String::from_utf8(response).unwrap();
            assert_status(&response, 200);
            if response.contains("connection: close") {
                self.connection = None;
            }
            return;
        }
    }
}

/// Lets each of many clients send an update in each round, all at a time.
async fn deliver_rounds(process: &Process, clients: usize, rounds: usize) {
    let mut all: Vec<_> = (0..clients)
        .map(|_| Client {
            connection: None,
            connected: 0,
        })
        .collect();
    for _ in 0..rounds {
        let deliveries = all.iter_mut().enumerate();
        join_all(deliveries.map(|(n, client)| client.deliver(process, n))).await;
    }
    let connected = all.iter().map(|client| client.connected).sum::<usize>();
    assert!(connected > clients, "no connection was closed");
    let all = format!("comfydeploy_webhook_runs {clients}");
    process.until_metric(&all).await;
}

#[tokio::test]
async fn more_clients_than_connections_are_all_served() {
    let process = Process::serve(&["--max-connections", "10"]);
    deliver_rounds(&process, 20, 5).await;
}

#[tokio::test]
async fn two_thousand_clients_are_all_served_with_the_default_limit() {
    if allow_open_files(4_096) {
        deliver_rounds(&Process::serve(&[]), 2_000, 2).await;
    }
}
