//! What pages of other origins may read.

use reqwest::{Method, Response};

use crate::harness::{Server, WEBHOOK, run_id};

const ALLOWED: &str = "access-control-allow-origin";
const APP: &str = "https://app.example.com";

async fn request(server: &Server, method: Method, path: &str, origin: &str) -> Response {
    let request = server.request(method, path).header("origin", origin);
    let request = request
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    request.send().await.unwrap()
}

fn allowed_origin(response: &Response) -> Option<&str> {
    let value = response.headers().get(ALLOWED)?;
    Some(value.to_str().unwrap())
}

fn readable_paths() -> [String; 4] {
    let run = format!("/api/runs/{}", run_id(1));
    let events = format!("{run}/events");
    ["/api/runs".into(), run, events, "/api/events".into()]
}

#[tokio::test]
async fn without_cors_origin_no_page_of_another_origin_may_read() {
    let server = Server::start().await;
    for path in readable_paths() {
        assert_eq!(
            allowed_origin(&request(&server, Method::GET, &path, APP).await),
            None
        );
        let preflight = request(&server, Method::OPTIONS, &path, APP).await;
        assert_eq!(
            (preflight.status().as_u16(), allowed_origin(&preflight)),
            (405, None)
        );
    }
}

#[tokio::test]
async fn pages_of_the_named_origins_may_read_runs_and_streams() {
    let flags = [
        "--cors-origin",
        APP,
        "--cors-origin",
        "http://localhost:3000",
    ];
    let server = Server::with_tokens("", "reader", &flags).await;
    for path in readable_paths() {
        for origin in [APP, "http://localhost:3000"] {
            let preflight = request(&server, Method::OPTIONS, &path, origin).await;
            assert_eq!(preflight.status(), 200, "without a token");
            assert_eq!(allowed_origin(&preflight), Some(origin));
            let headers = &preflight.headers()["access-control-allow-headers"];
            assert!(headers.to_str().unwrap().contains("authorization"));
            let rejected = request(&server, Method::GET, &path, origin).await;
            assert_eq!(rejected.status(), 401);
            assert_eq!(
                allowed_origin(&rejected),
                Some(origin),
                "so that the page can read why"
            );
            let read = format!("{path}?token=reader");
            let read = request(&server, Method::GET, &read, origin).await;
            assert_eq!(allowed_origin(&read), Some(origin));
            assert!(read.headers()["vary"].to_str().unwrap().contains("origin"));
        }
        let other = request(&server, Method::GET, &path, "https://other.example.com").await;
        assert_eq!(allowed_origin(&other), None);
    }
}

#[tokio::test]
async fn with_an_asterisk_any_page_may_read() {
    let server = Server::with_flags(&["--cors-origin", "*"]).await;
    for path in readable_paths() {
        let read = request(&server, Method::GET, &path, APP).await;
        assert_eq!(allowed_origin(&read), Some("*"));
        assert!(
            !read
                .headers()
                .contains_key("access-control-allow-credentials")
        );
    }
}

#[tokio::test]
async fn the_webhook_and_the_operator_paths_allow_no_origin() {
    let server = Server::with_flags(&["--cors-origin", "*"]).await;
    for path in [WEBHOOK, "/metrics", "/openapi.json", "/healthz", "/nowhere"] {
        for method in [Method::OPTIONS, Method::GET, Method::POST] {
            let response = request(&server, method.clone(), path, APP).await;
            assert_eq!(allowed_origin(&response), None, "{method} {path}");
            assert_ne!((method, response.status().as_u16()), (Method::OPTIONS, 200));
        }
    }
}
