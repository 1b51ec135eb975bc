//! How the page and other documents are sent: compressed, and only to clients that do not have them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::{
    Method, Response,
    header::{HeaderMap, HeaderValue},
};

use crate::{
    harness::{Server, run_id, update},
    sse::{Stream, events_of},
};

/// The documents that stay the same.
const DOCUMENTS: [&str; 2] = ["/", "/openapi.json"];

async fn send(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = server.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    send(server, Method::GET, path, headers).await
}

fn decompressed(body: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text).unwrap();
    text
}

/// The lines of the metrics that are the same each time: those that describe them.
fn described(metrics: &str) -> Vec<&str> {
    metrics
        .lines()
        .filter(|line| line.starts_with('#'))
        .collect()
}

#[tokio::test]
async fn documents_and_metrics_are_compressed_for_clients_that_take_gzip() {
    let server = Server::start().await;
    for path in ["/", "/openapi.json", "/metrics"] {
        let plain = get(&server, path, &[]).await;
        assert!(plain.headers().get("content-encoding").is_none(), "{path}");
        assert_eq!(plain.headers()["vary"], "accept-encoding", "{path}");
        let plain = plain.text().await.unwrap();
        let gzip = get(&server, path, &[("accept-encoding", "gzip, deflate, br")]).await;
        assert_eq!(gzip.headers()["content-encoding"], "gzip", "{path}");
        assert_eq!(gzip.headers()["vary"], "accept-encoding", "{path}");
        let length = gzip.content_length();
        let body = gzip.bytes().await.unwrap();
        assert_eq!(length, Some(body.len() as u64), "{path}");
        assert!(2 * body.len() < plain.len(), "{path}: {} bytes", body.len());
        let text = decompressed(&body);
        if path == "/metrics" {
            assert_eq!(described(&text), described(&plain));
        } else {
            assert_eq!(text, plain, "{path}");
        }
        let refused = get(&server, path, &[("accept-encoding", "gzip;q=0")]).await;
        assert!(
            refused.headers().get("content-encoding").is_none(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_client_that_has_a_document_is_not_sent_it_again() {
    let server = Server::start().await;
    for path in DOCUMENTS {
        for encoding in ["identity", "gzip"] {
            let accept = ("accept-encoding", encoding);
            let sent = get(&server, path, &[accept]).await;
            assert_eq!(sent.status(), 200);
            let headers = sent.headers().clone();
            let etag = headers["etag"].to_str().unwrap();
            for known in [
                etag,
                &format!("W/{etag}"),
                &format!("\"other\", {etag}"),
                "*",
            ] {
                for method in [Method::GET, Method::HEAD] {
                    let known = [accept, ("if-none-match", known)];
                    let again = send(&server, method, path, &known).await;
                    assert_eq!(again.status(), 304, "{path} {known:?}");
                    assert_same_headers(again.headers(), &headers);
                    assert!(again.bytes().await.unwrap().is_empty());
                }
            }
            let other = [accept, ("if-none-match", "\"other\", W/\"another\"")];
            let sent = get(&server, path, &other).await;
            assert_eq!(sent.status(), 200, "{path}");
            assert_same_headers(sent.headers(), &headers);
        }
    }
}

/// Checks all headers of a response but its date.
#[track_caller]
fn assert_same_headers(found: &HeaderMap, expected: &HeaderMap) {
    let without_date = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        headers.insert("date", HeaderValue::from_static(""));
        headers
    };
    assert_eq!(without_date(found), without_date(expected));
}

#[tokio::test]
async fn each_encoding_of_each_document_has_a_tag_of_its_own_which_lasts() {
    let server = Server::start().await;
    let other = Server::start().await;
    let guarded = Server::with_tokens("writer", "", &[]).await;
    let mut tags = Vec::new();
    for path in DOCUMENTS {
        for encoding in ["identity", "gzip"] {
            let accept = [("accept-encoding", encoding)];
            for (server, is_same) in [(&server, false), (&other, true), (&guarded, false)] {
                let sent = get(server, path, &accept).await;
                let tag = sent.headers()["etag"].clone();
                assert_eq!(tags.contains(&tag), is_same, "{path} {encoding}");
                tags.push(tag);
            }
        }
    }
}

#[tokio::test]
async fn a_document_is_kept_by_its_client_alone_which_asks_each_time() {
    for read in ["", "reader"] {
        let server = Server::with_tokens("", read, &[]).await;
        for path in DOCUMENTS {
            let request = server.request(Method::GET, path).bearer_auth(read);
            let response = request.send().await.unwrap();
            let headers = response.headers();
            assert_eq!(headers["cache-control"], "private, no-cache", "{path}");
        }
        let metrics = server.request(Method::GET, "/metrics").bearer_auth(read);
        let metrics = metrics.send().await.unwrap();
        assert_eq!(metrics.headers()["cache-control"], "no-store");
        assert!(metrics.headers().get("etag").is_none());
    }
    let server = Server::with_tokens("", "reader", &[]).await;
    let guess = get(&server, "/", &[("if-none-match", "*")]).await;
    assert_eq!(guess.status(), 401, "without the token nothing is told");
}

#[tokio::test]
async fn runs_and_streams_are_never_compressed() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let accept = [("accept-encoding", "gzip")];
    let run = format!("/api/runs/{}", run_id(1));
    for path in ["/api/runs", &run, "/api/service", "/healthz", "/nowhere"] {
        let response = get(&server, path, &accept).await;
        assert!(
            response.headers().get("content-encoding").is_none(),
            "{path}"
        );
    }
    for path in ["/api/events", &events_of(1)] {
        let response = get(&server, path, &accept).await;
        assert!(
            response.headers().get("content-encoding").is_none(),
            "{path}"
        );
        let run = Stream::of(response).next_but_counts().await;
        assert!(["", "snapshot"].contains(&&*run.name), "{run:?}");
    }
}
