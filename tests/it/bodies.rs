//! How bodies arrive: in pieces, too large, too slow, or not at all.

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, assert_status, detail, head, problem, read_to_end,
    run_id, send, update, update_head,
};

#[tokio::test]
async fn a_body_sent_in_pieces_is_read_whole() {
    let server = Server::start().await;
    let body = update(1, "queued");
    let length = format!("content-length: {}", body.len());
    let (start, rest) = body.split_at(20);
    let (middle, end) = rest.split_at(20);
    let pieces = [start, middle, end];
    let chunks = pieces.map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len()));
    let sized = [start, middle, end, ""];
    let chunked: [&str; 4] = [&chunks[0], &chunks[1], &chunks[2], "0\r\n\r\n"];
    for (framing, pieces) in [(&*length, sized), ("transfer-encoding: chunked", chunked)] {
        let mut connection = server.connect().await;
        connection.set_nodelay(true).unwrap();
        let head = update_head(&format!("{framing}\r\nconnection: close"));
        send(&mut connection, head).await;
        for piece in pieces {
            // The server responds to another request first, so it reads each piece on its own.
            server.get("/healthz").await;
            send(&mut connection, piece).await;
        }
        let response = read_to_end(&mut connection).await;
        assert_status(&response, 200);
    }
    assert_eq!(server.run(&run_id(1)).await["status"], "queued");
}

#[tokio::test]
async fn a_body_at_the_limit_is_accepted_and_one_over_it_is_rejected() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let body_of = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
    server.accept(body_of(1024)).await;
    for size in [1025, 100_000, 5_000_000] {
        let problem = problem(server.post(body_of(size)).await, 413).await;
        assert!(detail(&problem).contains("1.0 KiB"), "{problem}");
    }
}

#[tokio::test]
async fn the_body_limit_is_4_mib_by_default() {
    let server = Server::start().await;
    let padding = 4 * 1024 * 1024 - 2;
    server.accept(format!("{{{}}}", " ".repeat(padding))).await;
    let response = server
        .post(format!("{{{}}}", " ".repeat(padding + 1)))
        .await;
    problem(response, 413).await;
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_rejected() {
    let server = Server::with_flags(&["--max-body", "1KiB"]).await;
    let mut request = update_head("transfer-encoding: chunked\r\nconnection: close");
    request.push_str(&format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(100));
    request.push_str("0\r\n\r\n");
    let response = server.raw(request).await;
    assert_status(&response, 413);
}

#[tokio::test]
async fn a_content_length_far_over_the_limit_is_rejected_before_the_body_arrives() {
    let server = Server::with_flags(&["--body-timeout", "1h"]).await;
    let response = server.raw(update_head("content-length: 10000000000")).await;
    assert_status(&response, 413);
}

#[tokio::test]
async fn a_client_that_expects_100_continue_is_not_asked_for_a_body_that_will_be_rejected() {
    let server = Server::start().await;
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", 413),
        ("POST", WEBHOOK, "text/plain", 415),
        ("PUT", WEBHOOK, "application/json", 405),
        ("GET", "/", "application/json", 400),
        ("POST", "/elsewhere", "application/json", 404),
    ] {
        let expecting = "content-length: 5000000\r\nexpect: 100-continue";
        let response = server
            .raw(head(method, path, content_type, expecting))
            .await;
        assert_status(&response, status);
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_receives_the_rejection() {
    let server = Server::start().await;
    let body = " ".repeat(19_000_000);
    for (method, path, content_type, status) in [
        ("POST", WEBHOOK, "application/json", 413),
        ("POST", WEBHOOK, "text/plain", 415),
        ("PUT", WEBHOOK, "application/json", 405),
        ("POST", "/api/runs", "application/json", 405),
        ("GET", "/api/runs", "application/json", 400),
        ("POST", "/elsewhere", "application/json", 404),
    ] {
        let sending = "content-length: 19000000\r\nconnection: close";
        let request = head(method, path, content_type, sending) + &body;
        let response = server.raw(request).await;
        assert_status(&response, status);
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_rejected() {
    let server = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let half = update_head("content-length: 100") + &update(1, "queued");
    let response = server.raw(half).await;
    assert_status(&response, 408);
    assert!(response.contains("application/problem+json"), "{response}");
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_rejected_and_changes_nothing() {
    let server = Server::start().await;
    let response = server
        .raw_cut_off(update_head("content-length: 100") + &update(1, "queued"))
        .await;
    assert_status(&response, 400);
    assert!(response.contains("application/problem+json"), "{response}");
    assert_nothing_stored(&server).await;
}
