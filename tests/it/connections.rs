//! Connections: how many, how slow, and how well they keep to HTTP/1.1.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, head, patiently, read_to_end, run_id, update_head,
};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

async fn send(connection: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    connection.write_all(bytes.as_ref()).await.unwrap();
}

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

/// Waits until a metric has a value.
async fn metric(server: &Server, line: &str) {
    patiently(async {
        loop {
            let metrics = server.get("/metrics").await.text().await.unwrap();
            if metrics.lines().any(|is| is == line) {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn five_hundred_slow_clients_hold_up_no_update_and_are_closed() {
    let server = Server::with_flags(&["--header-timeout", "2s"]).await;
    let mut slow = Vec::new();
    for _ in 0..500 {
        let mut connection = connect(&server).await;
        send(
            &mut connection,
            "POST /api/webhooks/run-update HTTP/1.1\r\nx",
        )
        .await;
        slow.push(connection);
    }
    server
        .accept(format!(r#"{{"run_id":"{}"}}"#, run_id(1)))
        .await;
    for connection in &mut slow {
        assert_eq!(read_to_end(connection).await, "");
    }
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="headers"} 500"#;
    metric(&server, closed).await;
}

#[tokio::test]
async fn headers_that_go_on_for_ever_are_not_waited_for() {
    let server = Server::with_flags(&["--header-timeout", "100ms"]).await;
    let mut connection = connect(&server).await;
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
    let server = Server::with_flags(&["--header-timeout", "50ms", "--idle-timeout", "1h"]).await;
    let mut idle = connect(&server).await;
    is_well(&mut idle).await;
    let mut silent = connect(&server).await;
    assert_eq!(read_to_end(&mut silent).await, "", "it never sent a thing");
    is_well(&mut idle).await;
    // Once a request has begun, it is the time for headers that counts.
    send(&mut idle, "GET").await;
    assert_eq!(read_to_end(&mut idle).await, "");

    let server = Server::with_flags(&["--idle-timeout", "50ms"]).await;
    let mut idle = connect(&server).await;
    is_well(&mut idle).await;
    assert_eq!(read_to_end(&mut idle).await, "");
}

#[tokio::test]
async fn over_the_limit_a_connection_waits_and_the_established_ones_go_on() {
    let server = Server::with_flags(&["--max-connections", "2"]).await;
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    is_well(&mut first).await;
    is_well(&mut second).await;
    let mut third = connect(&server).await;
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

/// A run of 12 MB, more than the operating system takes for a client that does not read.
async fn large_run(server: &Server) -> String {
    let path = format!("/api/runs/{}", run_id(1));
    for n in 0..4 {
        let data = "x".repeat(3_000_000);
        let body = format!(
            r#"{{"run_id":"{}","outputs":[{{"id":{n},"data":"{data}"}}]}}"#,
            run_id(1)
        );
        server.accept(body).await;
    }
    path
}

/// A client that asks for a run and reads nothing of it.
async fn deaf_reader(server: &Server, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut connection = socket.connect(server.address).await.unwrap();
    send(&mut connection, head("GET", path, "text/plain", "x: y")).await;
    connection
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_not_waited_for() {
    let server = Server::with_flags(&["--send-timeout", "100ms"]).await;
    let path = large_run(&server).await;
    let _deaf = deaf_reader(&server, &path).await;
    let closed = r#"comfydeploy_webhook_connections_timed_out_total{stage="send"} 1"#;
    metric(&server, closed).await;
}

#[tokio::test]
async fn answers_that_nobody_takes_are_bounded_together() {
    let server = Server::with_flags(&["--max-in-flight", "1MiB"]).await;
    let path = large_run(&server).await;
    let deaf = deaf_reader(&server, &path).await;
    let refused = patiently(async {
        loop {
            let response = server.get(&path).await;
            if response.status() == 503 {
                break response;
            }
        }
    })
    .await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(
        server.get("/api/runs?limit=1&status=queued").await.status(),
        200
    );
    drop(deaf);
    patiently(async { while server.get(&path).await.status() != 200 {} }).await;
}

#[tokio::test]
async fn bodies_in_flight_are_bounded_together_and_small_updates_pass_by() {
    let flags = ["--max-in-flight", "1MiB", "--max-body", "1MiB"];
    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "300ms"]].concat()).await;
    let whole = format!("{{{}}}", " ".repeat(1_000_000));
    let length = format!("content-length: {}", whole.len());
    let mut half_sent = connect(&server).await;
    send(&mut half_sent, update_head(&length) + &whole[..100]).await;
    server.accept("{}").await;
    let mut other = connect(&server).await;
    send(&mut other, update_head(&length) + &whole[..100]).await;
    server.accept("{}").await;
    let mut answers = [0; 2].map(|_| [0; 12]);
    patiently(other.read_exact(&mut answers[0])).await.unwrap();
    patiently(half_sent.read_exact(&mut answers[1]))
        .await
        .unwrap();
    assert_eq!(answers, [*b"HTTP/1.1 503", *b"HTTP/1.1 408"]);

    let server = Server::with_flags(&[&flags[..], &["--body-timeout", "1h"]].concat()).await;
    let mut half_sent = connect(&server).await;
    send(&mut half_sent, update_head(&length) + &whole[..500_000]).await;
    // A small update needs no room of its own, though it comes in pieces.
    let mut in_pieces = connect(&server).await;
    send(
        &mut in_pieces,
        update_head("content-length: 2\r\nconnection: close") + "{",
    )
    .await;
    server.accept("{}").await;
    send(&mut in_pieces, "}").await;
    assert!(
        read_to_end(&mut in_pieces)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    let (waiting, ()) = tokio::join!(server.post(whole.clone()), async {
        server.accept("{}").await;
        send(&mut half_sent, &whole[500_000..]).await;
    });
    assert_eq!(waiting.status(), 200, "it waited for its turn");
}

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let server = Server::with_flags(&["--max-header", "2KiB"]).await;
    for (size, status) in [(1_900, "200"), (2_048, "431"), (100_000, "431")] {
        let long = format!("x: {}\r\nconnection: close", "y".repeat(size));
        let mut connection = connect(&server).await;
        let request = head("GET", "/healthz", "text/plain", &long);
        // It may be refused before it is sent.
        let _ = connection.write_all(request.as_bytes()).await;
        let mut answer = [0; 12];
        patiently(connection.read_exact(&mut answer)).await.unwrap();
        let answer = str::from_utf8(&answer).unwrap();
        assert_eq!(answer, format!("HTTP/1.1 {status}"), "{size}");
    }
    let many = "x: y\r\n".repeat(200) + "connection: close";
    let answer = server
        .raw(head("GET", "/healthz", "text/plain", &many))
        .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = Server::start().await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.0\r\nhost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = server.raw(request).await;
        let status = format!(" {status} ");
        assert_eq!(answer.find(&status), Some(8), "{request}{answer}");
    }
}

#[tokio::test]
async fn a_request_whose_end_is_doubtful_is_refused_and_the_connection_closed() {
    let server = Server::start().await;
    let body = format!(r#"{{"run_id":"{}"}}"#, run_id(1));
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = format!("content-length: {}", body.len());
    for (headers, body) in [
        (format!("{length}\r\ntransfer-encoding: chunked"), &chunked),
        (format!("transfer-encoding: chunked\r\n{length}"), &chunked),
        (
            "Transfer-Encoding: chunked\r\nx: y\r\nContent-Length: 5".to_owned(),
            &chunked,
        ),
        (format!("{length}\r\ncontent-length: 5"), &body),
        ("content-length: +5".to_owned(), &body),
        ("content-length: 5, 5".to_owned(), &body),
        ("transfer-encoding: gzip".to_owned(), &body),
        ("transfer-encoding: chunked, identity".to_owned(), &body),
    ] {
        // Another request behind it must not be answered.
        let answer = server.raw(update_head(&headers) + body + &healthz()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{headers}: {answer}");
    }
    assert_nothing_stored(&server).await;
    let twice_the_same = format!("{length}\r\n{length}\r\nconnection: close");
    let answer = server.raw(update_head(&twice_the_same) + &body).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn requests_may_follow_each_other_without_waiting() {
    let server = Server::start().await;
    let chunked = update_head("transfer-encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n";
    let sized = update_head("content-length: 2") + "{}";
    let last = head("GET", WEBHOOK, "text/plain", "connection: close");
    let answers = server
        .raw([&*sized, &chunked, &sized, &chunked, &last].concat())
        .await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 4, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 405 ").count(), 1, "{answers}");
}
