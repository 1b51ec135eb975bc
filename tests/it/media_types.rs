//! The media types of bodies: what an update says that it is, and what its sender asks for.

use reqwest::Method;

use crate::harness::{Server, WEBHOOK, detail, problem};

#[tokio::test]
async fn only_an_explicit_accept_of_json_gets_a_body() {
    let server = Server::start().await;
    for (accept, body) in [
        ("*/*", ""),
        ("text/html, */*;q=0.8", ""),
        ("application/json", "{\"status\":\"success\"}\n"),
        (
            "text/plain, application/json;q=0.9",
            "{\"status\":\"success\"}\n",
        ),
    ] {
        let request = server.webhook(Method::POST, "{}");
        let response = request.header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let content_type = response.headers().get("content-type");
        assert_eq!(content_type.is_some(), !body.is_empty(), "{accept}");
        assert!(content_type.is_none_or(|found| found == "application/json"));
        assert_eq!(response.text().await.unwrap(), body, "{accept}");
    }
}

#[tokio::test]
async fn a_content_type_other_than_json_is_rejected_with_what_was_found_and_what_to_send() {
    let server = Server::start().await;
    let send = "send Content-Type: application/json";
    for (content_type, found) in [
        (
            Some("text/plain;charset=UTF-8"),
            "Content-Type is text/plain;charset=UTF-8",
        ),
        (
            Some("application/x-www-form-urlencoded"),
            "Content-Type is application/x-www-form-urlencoded",
        ),
        (
            Some("application/problem+json"),
            "Content-Type is application/problem+json",
        ),
        (Some(""), "there is no Content-Type"),
        (None, "there is no Content-Type"),
    ] {
        let mut request = server.request(Method::POST, WEBHOOK).body("{}");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["accept-post"], "application/json");
        let problem = problem(response, 415).await;
        assert_eq!(detail(&problem), format!("{found}: {send}"));
    }
}

#[tokio::test]
async fn a_compressed_body_is_rejected_with_post_and_as_a_retry() {
    let server = Server::start().await;
    for method in [Method::POST, Method::GET] {
        for encodings in [&["gzip"][..], &["identity", "gzip"]] {
            let mut request = server.webhook(method.clone(), "{}");
            for encoding in encodings {
                request = request.header("content-encoding", *encoding);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["accept-encoding"], "identity");
            let problem = problem(response, 415).await;
            assert_eq!(
                detail(&problem),
                "Content-Encoding is gzip: the body is compressed; send it uncompressed"
            );
        }
    }
    let unmarked = problem(server.post(&b"\x1f\x8b\x08\0"[..]).await, 400).await;
    let gzip = "the body is compressed with gzip; send it uncompressed";
    assert_eq!(detail(&unmarked), gzip);
    let odd = server.webhook(Method::POST, "{}");
    let odd = odd.header("content-encoding", "utf-8").send().await;
    let odd = problem(odd.unwrap(), 415).await;
    assert!(detail(&odd).contains("without this header"), "{odd}");
    let uncompressed = server.webhook(Method::POST, "{}");
    let uncompressed = uncompressed.header("content-encoding", "Identity");
    assert_eq!(uncompressed.send().await.unwrap().status(), 200);
}
