//! How bodies arrive: in pieces, too large, too slow, or not at all.

use tokio::io::AsyncWriteExt;

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, head, problem, read_to_end, update_head,
};

const RUN: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

#[tokio::test]
async fn a_body_sent_in_pieces_is_read_whole() {
    let server = Server::start().await;
    let pieces = [
        r#"{"run_id":"#,
        &format!("\"{RUN}\""),
        r#","status":"queued"}"#,
    ];
    let length = format!("content-length: {}", pieces.concat().len());
    let chunks = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
    let sized: [&str; 4] = [pieces[0], pieces[1], pieces[2], ""];
    let chunked: [&str; 4] = [&chunks[0], &chunks[1], &chunks[2], "0\r\n\r\n"];
    for (framing, pieces) in [(&*length, sized), ("transfer-encoding: chunked", chunked)] {
        let mut connection = server.connect().await;
        connection.set_nodelay(true).unwrap();
        let head = update_head(&format!("{framing}\r\nconnection: close"));
        connection.write_all(head.as_bytes()).await.unwrap();
        for piece in pieces {
            // Another request is answered before, so the pieces arrive apart.
            server.get("/healthz").await;
            connection.write_all(piece.as_bytes()).await.unwrap();
        }
        let answer = read_to_end(&mut connection).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{framing}: {answer}");
    }
    assert_eq!(server.run(RUN).await["status"], "queued");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_taken() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let body_of = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    server.accept(body_of(1024)).await;
    for size in [1025, 100_000, 5_000_000] {
        let problem = problem(server.post(body_of(size)).await, 413).await;
        assert!(
            problem["detail"].as_str().unwrap().contains("1.0 KiB"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn the_limit_of_a_body_is_4_mib_unless_set() {
    let server = Server::start().await;
    let padding = 4 * 1024 * 1024 - 2;
    server.accept(format!("{{{}}}", " ".repeat(padding))).await;
    let response = server
        .post(format!("{{{}}}", " ".repeat(padding + 1)))
        .await;
    problem(response, 413).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_when_its_length_is_not_announced() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let mut request = update_head("transfer-encoding: chunked\r\nconnection: close");
    request.push_str(&format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(100));
    request.push_str("0\r\n\r\n");
    let answer = server.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_announced_far_over_the_limit_is_refused_before_it_is_sent() {
    let server = Server::with_flags(&["--body-timeout", "1h"]).await;
    let answer = server.raw(update_head("content-length: 10000000000")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_send_what_will_be_refused() {
    let server = Server::start().await;
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", "413"),
        ("POST", WEBHOOK, "text/plain", "415"),
        ("PUT", WEBHOOK, "application/json", "405"),
        ("POST", "/elsewhere", "application/json", "404"),
    ] {
        let asking = "content-length: 5000000\r\nexpect: 100-continue";
        let answer = server.raw(head(method, path, content_type, asking)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_hears_why_it_is_refused() {
    let server = Server::start().await;
    let body = " ".repeat(19_000_000);
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", "413"),
        ("POST", WEBHOOK, "text/plain", "415"),
        ("PUT", WEBHOOK, "application/json", "405"),
        ("POST", "/api/runs", "application/json", "405"),
        ("POST", "/elsewhere", "application/json", "404"),
    ] {
        let sending = "content-length: 19000000\r\nconnection: close";
        let request = head(method, path, content_type, sending) + &body;
        let answer = server.raw(request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let server = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let half = update_head("content-length: 100") + &format!("{{\"run_id\":\"{RUN}\"");
    let answer = server.raw(half).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_changes_nothing() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let half = update_head("content-length: 100") + &format!("{{\"run_id\":\"{RUN}\"}}");
    connection.write_all(half.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let answer = read_to_end(&mut connection).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
        "{answer}"
    );
    assert_nothing_stored(&server).await;
}
