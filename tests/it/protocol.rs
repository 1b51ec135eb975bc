//! How well the service keeps to HTTP/1.1, and makes its clients keep to it.

use tokio::io::AsyncWriteExt;

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, head, read_status, read_to_end, run_id, send,
    update_head,
};

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let server = Server::with_flags(&["--max-header", "2KiB"]).await;
    for (size, status) in [(1_900, "200"), (2_048, "431"), (100_000, "431")] {
        let long = format!("x: {}\r\nconnection: close", "y".repeat(size));
        let mut connection = server.connect().await;
        let request = head("GET", "/healthz", "text/plain", &long);
        // It may be refused before it is sent.
        let _ = connection.write_all(request.as_bytes()).await;
        assert_eq!(read_status(&mut connection).await, status, "{size}");
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
        let answer = server
            .raw(update_head(&headers) + body + &head("GET", "/healthz", "text/plain", "x: y"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{headers}: {answer}");
    }
    assert_nothing_stored(&server).await;
    let twice_the_same = format!("{length}\r\n{length}\r\nconnection: close");
    let answer = server.raw(update_head(&twice_the_same) + &body).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_doubtful_end_is_seen_wherever_the_request_begins() {
    let server = Server::start().await;
    let doubtful = update_head("content-length: 5\r\ntransfer-encoding: chunked");
    let body = format!(r#"{{"run_id":"{}"}}"#, run_id(1));
    let doubtful = format!("{doubtful}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for size in [2, 20_000] {
        let before = format!("{{{}}}", " ".repeat(size - 2));
        let head = update_head(&format!("content-length: {size}"));
        for split in [0, 150, doubtful.len()] {
            let mut connection = server.connect().await;
            connection.set_nodelay(true).unwrap();
            send(&mut connection, &head).await;
            // Another request is answered before, so that what follows is read on its own.
            server.accept("{}").await;
            send(&mut connection, before.clone() + &doubtful[..split]).await;
            server.accept("{}").await;
            send(&mut connection, &doubtful[split..]).await;
            let answers = read_to_end(&mut connection).await;
            assert_eq!(
                answers.matches("HTTP/1.1 200 ").count(),
                1,
                "{size} {split}: {answers}"
            );
            assert_eq!(
                answers.matches("HTTP/1.1 400 ").count(),
                1,
                "{size} {split}: {answers}"
            );
        }
    }
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_doubtful_end_is_seen_in_headers_as_large_as_they_may_be() {
    let server = Server::start().await;
    let padding = "y".repeat(15_800);
    let headers = format!("content-length: 5\r\nx: {padding}\r\ntransfer-encoding: chunked");
    let mut connection = server.connect().await;
    connection.set_nodelay(true).unwrap();
    let head = update_head(&headers);
    send(&mut connection, &head[..head.len() - 1]).await;
    server.accept("{}").await;
    let rest =
        head[head.len() - 1..].to_owned() + "7530\r\n{" + &" ".repeat(29_998) + "}\r\n0\r\n\r\n";
    send(&mut connection, rest).await;
    assert_eq!(read_status(&mut connection).await, "400");
}

#[tokio::test]
async fn a_coding_other_than_chunked_is_not_implemented() {
    let server = Server::start().await;
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "gzip\r\ntransfer-encoding: chunked",
    ] {
        let request = update_head(&format!("transfer-encoding: {coding}")) + "2\r\n{}\r\n0\r\n\r\n";
        let answer = server.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 501 "), "{coding}: {answer}");
    }
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
