//! Whether the metrics count each rejected update under its real reason.

use std::collections::BTreeMap;

use crate::harness::{Server, WEBHOOK, assert_status, head, send, until, update, update_head};

/// How many updates were rejected, by reason.
async fn rejected(server: &Server) -> BTreeMap<String, u64> {
    let metrics = server.get("/metrics").await.text().await.unwrap();
    let prefix = r#"comfydeploy_webhook_updates_refused_total{reason=""#;
    let counts = metrics.lines().filter_map(|line| line.strip_prefix(prefix));
    counts
        .map(|line| line.split_once("\"} ").unwrap())
        .filter(|(_, count)| *count != "0")
        .map(|(reason, count)| (reason.to_owned(), count.parse().unwrap()))
        .collect()
}

fn once(reason: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(reason.to_owned(), 1)])
}

/// An update with this body.
fn sized(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("content-length: {}\r\nconnection: close", body.len());
    [update_head(&length).as_bytes(), body].concat()
}

/// An update whose body is what these chunks hold.
fn chunked(chunks: &str) -> Vec<u8> {
    (update_head("transfer-encoding: chunked\r\nconnection: close") + chunks).into()
}

/// A request without a body.
fn empty(method: &str, content_type: &str) -> Vec<u8> {
    head(method, WEBHOOK, content_type, "connection: close").into()
}

#[tokio::test]
async fn each_rejection_is_counted_once_under_its_own_reason() {
    let json = "application/json";
    let spaces = " ".repeat(300_000);
    for (reason, status, request) in [
        ("empty", 400, sized("")),
        ("empty", 405, empty("GET", json)),
        ("not_json", 400, sized("run_id=1")),
        ("not_json", 400, sized(b"\x1f\x8b\x08")),
        ("not_an_object", 422, sized("[]")),
        ("not_an_object", 422, sized(r#""{\"run_id\":null}""#)),
        ("wrong_field", 422, sized(r#"{"status":"odd"}"#)),
        ("too_large", 413, sized(&spaces)),
        (
            "too_large",
            413,
            chunked(&format!("493e0\r\n{spaces}\r\n0\r\n\r\n")),
        ),
        ("protocol", 400, chunked("2\r\n{}0\r\n\r\n")),
        ("protocol", 400, chunked("no\r\n")),
        ("protocol", 400, update_head("host: y").into()),
        (
            "protocol",
            501,
            update_head("transfer-encoding: gzip, chunked").into(),
        ),
        ("media_type", 415, empty("POST", "text/plain")),
        (
            "compressed",
            415,
            update_head("content-encoding: gzip\r\nconnection: close").into(),
        ),
        ("method", 405, empty("GET", "text/html")),
        ("method", 405, empty("PUT", json)),
    ] {
        let server = Server::with_flags(&["--max-body", "200KiB"]).await;
        assert_status(&server.raw(request).await, status);
        assert_eq!(rejected(&server).await, once(reason));
    }
}

#[tokio::test]
async fn a_slow_body_and_a_wrong_token_are_counted_under_their_own_reasons() {
    let server = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let slow = update_head("content-length: 5");
    assert_status(&server.raw(slow).await, 408);
    assert_eq!(rejected(&server).await, once("too_slow"));
    let server = Server::with_tokens("writer", "", &[]).await;
    assert_status(&server.raw(sized("not json")).await, 401);
    assert_eq!(rejected(&server).await, once("unauthorized"));
}

#[tokio::test]
async fn an_update_whose_connection_is_reset_within_the_body_counts_as_incomplete() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let half = update_head("content-length: 100") + &update(1, "queued");
    send(&mut connection, half).await;
    // The server has read the half when it has answered another request.
    server.get("/healthz").await;
    connection.set_zero_linger().unwrap();
    drop(connection);
    until("it is counted", async || {
        rejected(&server).await == once("incomplete")
    })
    .await;
}
