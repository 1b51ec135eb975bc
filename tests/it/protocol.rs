//! HTTP/1.1: what the service accepts, and what it rejects.

use reqwest::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, assert_status, get, head, read_status, run_id, update,
    update_head,
};

#[tokio::test]
async fn headers_over_the_limit_are_rejected() {
    let server = Server::with_flags(&["--max-header", "2KiB"]).await;
    for (size, status) in [(1_900, "200"), (2_048, "431"), (100_000, "431")] {
        let long = format!("x: {}\r\nconnection: close", "y".repeat(size));
        let mut connection = server.connect().await;
        let request = head("GET", "/healthz", "text/plain", &long);
        // It may be rejected before it is sent.
        let _ = connection.write_all(request.as_bytes()).await;
        assert_eq!(read_status(&mut connection).await, status, "{size}");
    }
    let many = "x: y\r\n".repeat(200) + "connection: close";
    let response = server
        .raw(head("GET", "/healthz", "text/plain", &many))
        .await;
    assert_status(&response, 431);
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
        let response = server.raw(request).await;
        let status = format!(" {status} ");
        assert_eq!(response.find(&status), Some(8), "{request}{response}");
    }
}

#[tokio::test]
async fn a_body_whose_length_is_malformed_is_rejected_and_the_connection_closed() {
    let server = Server::start().await;
    let body = format!(r#"{{"run_id":"{}"}}"#, run_id(1));
    let length = format!("content-length: {}", body.len());
    for headers in [
        format!("{length}\r\ncontent-length: 5"),
        "content-length: +5".to_owned(),
        "content-length: 5, 5".to_owned(),
        "transfer-encoding: gzip".to_owned(),
        "transfer-encoding: chunked, identity".to_owned(),
    ] {
        let response = server
            .raw(update_head(&headers) + &body + &get("/healthz"))
            .await;
        assert!(
            response.starts_with("HTTP/1.1 400 "),
            "{headers}: {response}"
        );
        assert_eq!(
            response.matches("HTTP/1.1").count(),
            1,
            "{headers}: {response}"
        );
    }
    assert_nothing_stored(&server).await;
    let twice_the_same = format!("{length}\r\n{length}\r\nconnection: close");
    let response = server.raw(update_head(&twice_the_same) + &body).await;
    assert_status(&response, 200);
}

/// RFC 9112, section 6.1: Transfer-Encoding overrides Content-Length, and the connection is closed after the response,
/// since what follows may be meant as part of the body.
#[tokio::test]
async fn of_two_lengths_the_chunked_one_counts_and_nothing_after_the_body_is_answered() {
    let server = Server::start().await;
    for (n, headers) in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "Transfer-Encoding: chunked\r\nx: y\r\nContent-Length: 500",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"run_id":"{}"}}"#, run_id(n));
        let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let hidden = format!(r#"{{"run_id":"{}"}}"#, run_id(100 + n));
        let hidden = update_head(&format!("content-length: {}", hidden.len())) + &hidden;
        let response = server.raw(update_head(headers) + &chunked + &hidden).await;
        assert!(
            response.starts_with("HTTP/1.1 200 "),
            "{headers}: {response}"
        );
        assert_eq!(
            response.matches("HTTP/1.1").count(),
            1,
            "{headers}: {response}"
        );
        server.run(&run_id(n)).await;
        let hidden = server.get(&format!("/api/runs/{}", run_id(100 + n))).await;
        assert_eq!(hidden.status(), 404, "{headers}");
    }
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
        let response = server.raw(request).await;
        assert!(
            response.starts_with("HTTP/1.1 501 "),
            "{coding}: {response}"
        );
    }
}

#[tokio::test]
async fn pipelined_requests_are_all_answered() {
    let server = Server::start().await;
    let chunked = update_head("transfer-encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n";
    let sized = update_head("content-length: 2") + "{}";
    let last = head("GET", WEBHOOK, "text/plain", "connection: close");
    let responses = server
        .raw([&*sized, &chunked, &sized, &chunked, &last].concat())
        .await;
    assert_eq!(responses.matches("HTTP/1.1 200 ").count(), 4, "{responses}");
    assert_eq!(responses.matches("HTTP/1.1 405 ").count(), 1, "{responses}");
}

#[tokio::test]
async fn every_json_response_ends_with_one_newline() {
    let server = Server::with_tokens("", "reader", &[]).await;
    let large = "x".repeat(20_000);
    let outputs = format!(r#","outputs":[{{"data":"{large}"}}]}}"#);
    let update = update(1, "success");
    server
        .accept(update.trim_end_matches('}').to_owned() + &outputs)
        .await;
    let run = format!("/api/runs/{}", run_id(1));
    let unknown = format!("/api/runs/{}", run_id(2));
    for (path, token, status) in [
        (&*run, "reader", 200),
        (&format!("{run}?wait=1"), "reader", 200),
        ("/api/runs", "reader", 200),
        ("/api/runs?status=failed", "reader", 200),
        ("/openapi.json", "reader", 200),
        ("/api/runs?limit=x", "reader", 400),
        ("/api/runs", "wrong", 401),
        (&*unknown, "reader", 404),
        ("/nowhere", "reader", 404),
        (WEBHOOK, "", 405),
    ] {
        let request = |method| server.request(method, path).bearer_auth(token);
        let response = request(Method::GET).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let length = response.headers().get("content-length").cloned();
        let text = response.text().await.unwrap();
        assert!(text.ends_with("}\n"), "{path}: {text}");
        match &length {
            Some(length) => assert_eq!(*length, text.len().to_string(), "{path}"),
            None => assert_eq!((path, status), ("/api/runs", 200), "a page of large runs"),
        }
        let _: Value = serde_json::from_str(&text).unwrap();
        if path != WEBHOOK {
            let head = request(Method::HEAD).send().await.unwrap();
            let head = head.headers().get("content-length");
            assert_eq!(head, length.as_ref(), "{path}");
        }
    }
}

#[tokio::test]
async fn responses_are_neither_cached_nor_sniffed() {
    let server = Server::start().await;
    for path in ["/api/runs", "/api/runs/x", "/healthz", "/readyz"] {
        let response = server.get(path).await;
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        assert_eq!(
            response.headers()["x-content-type-options"],
            "nosniff",
            "{path}"
        );
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).await.status(), 200);
    }
}
