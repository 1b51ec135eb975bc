//! Updates that are sent to a wrong path, and requests that only look like one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Server, WEBHOOK, assert_nothing_stored, assert_status, problem, read_status, run_id, send,
    update,
};

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MADEUP",
];

/// What `fetch`, `requests`, curl and ComfyDeploy say of a body.
const CONTENT_TYPES: [&str; 4] = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
];

/// Each path but the webhook's, with the methods that are described for it; and paths that are not there.
async fn other_paths(server: &Server) -> Vec<(String, Vec<String>)> {
    let request = server.request(Method::GET, "/openapi.json");
    let description = request.bearer_auth("reader").send().await.unwrap();
    let description: Value = description.json().await.unwrap();
    let described = description["paths"].as_object().unwrap().iter();
    let mut paths: Vec<_> = described
        .filter(|(path, _)| *path != WEBHOOK)
        .map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            let methods = methods.map(|method| method.to_uppercase());
            (path.replace("{run_id}", &run_id(1)), methods.collect())
        })
        .collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in ["/api", "/api/webhooks/run-updates", "/webhook", "//"] {
        paths.push((path.to_owned(), Vec::new()));
    }
    paths
}

/// A request that is also the preflight request of a browser, if its method is OPTIONS.
fn request(method: &str, path: &str, content_type: &str, framed_body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\nconnection: close\r\n\
         origin: https://app.example.com\r\naccess-control-request-method: GET\r\n{framed_body}"
    )
}

/// Headers and the body that they announce.
fn framed(body: &str) -> [String; 2] {
    let size = body.len();
    [
        format!("content-length: {size}\r\n\r\n{body}"),
        format!("transfer-encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"),
    ]
}

#[tokio::test]
async fn a_misdirected_update_that_breaks_http_is_counted_too() {
    let server = Server::start().await;
    for broken in [
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        "GET /api/runs HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    ] {
        let response = server.raw(broken).await;
        assert!(response.starts_with("HTTP/1.1 501 ") || response.starts_with("HTTP/1.1 400 "));
    }
    server
        .until_metric("comfydeploy_webhook_updates_misdirected_total 2")
        .await;
}

#[tokio::test]
async fn no_request_with_a_body_is_answered_below_400_anywhere_but_at_the_webhook() {
    let flags = ["--cors-origin", "*"];
    let open = Server::with_flags(&flags).await;
    let guarded = Server::with_tokens("writer", "reader", &flags).await;
    for server in [&open, &guarded] {
        let mut count = 0;
        for (path, methods) in other_paths(server).await {
            for method in METHODS {
                for content_type in CONTENT_TYPES {
                    for body in framed(&update(1, "queued")) {
                        let request = request(method, &path, content_type, &body);
                        let response = server.raw(&request).await;
                        count += 1;
                        assert_rejected(&response, &methods, method, &request);
                    }
                }
            }
        }
        let request = server
            .request(Method::GET, "/metrics")
            .bearer_auth("reader");
        let metrics = request.send().await.unwrap().text().await.unwrap();
        let line = format!("\ncomfydeploy_webhook_updates_misdirected_total {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert_nothing_stored(&open).await;
}

/// Checks the response to an update at a path that takes these methods.
#[track_caller]
fn assert_rejected(response: &str, methods: &[String], method: &str, request: &str) {
    let is_taken = methods.iter().any(|taken| taken == method)
        || method == "HEAD" && methods.iter().any(|taken| taken == "GET");
    let status = match methods {
        [] => 404,
        _ if is_taken => 400,
        _ => 405,
    };
    let start = format!("HTTP/1.1 {status} ");
    assert!(response.starts_with(&start), "{request}{response}");
    assert_eq!(
        response.contains("\r\nallow: GET,HEAD\r\n"),
        status == 405,
        "{request}{response}"
    );
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    if method == "HEAD" {
        assert_eq!(body, "");
        return;
    }
    let problem: Value = serde_json::from_str(body).unwrap();
    let detail = problem["detail"].as_str().unwrap();
    for named in methods.iter().chain([&format!("POST {WEBHOOK}")]) {
        assert!(detail.contains(named), "{request}{detail}");
    }
}

#[tokio::test]
async fn a_read_without_a_body_is_answered_whatever_its_headers_say() {
    let server = Server::with_flags(&["--cors-origin", "*"]).await;
    server.accept(update(1, "queued")).await;
    for (path, methods) in other_paths(&server).await {
        for (method, status) in [("GET", "200"), ("HEAD", "200"), ("OPTIONS", "200")] {
            let is_preflight = method == "OPTIONS";
            if methods.is_empty() || is_preflight && !path.starts_with("/api/") {
                continue;
            }
            for no_body in [
                "\r\n",
                "content-length: 0\r\n\r\n",
                "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            ] {
                let request = request(method, &path, "application/json", no_body);
                let mut connection = server.connect().await;
                send(&mut connection, &request).await;
                assert_eq!(read_status(&mut connection).await, status, "{request}");
            }
        }
    }
    let none = "comfydeploy_webhook_updates_misdirected_total 0";
    server.until_metric(none).await;
}

#[tokio::test]
async fn a_post_without_a_body_counts_as_misdirected_too() {
    let server = Server::start().await;
    for (n, (method, path, status)) in [
        (Method::POST, "/", 405),
        (Method::PUT, "/api/runs", 405),
        (Method::PATCH, "/nowhere", 404),
    ]
    .into_iter()
    .enumerate()
    {
        let response = server.request(method, path).send().await.unwrap();
        problem(response, status).await;
        let count = n + 1;
        let count = format!("comfydeploy_webhook_updates_misdirected_total {count}");
        server.until_metric(&count).await;
    }
}

#[tokio::test]
async fn every_path_of_the_webhook_takes_updates_and_counts_as_one_route() {
    let server = Server::start().await;
    let slash = format!("{WEBHOOK}/");
    let paths = [
        WEBHOOK,
        &slash,
        "/webhooks/run-update",
        "/webhooks/run-update/",
    ];
    for (n, path) in paths.into_iter().enumerate() {
        for (method, status) in [(Method::POST, "queued"), (Method::GET, "running")] {
            let path = format!("{path}?target_events=run.output");
            let request = server.request(method, &path).body(update(n, status));
            let request = request.header("content-type", "application/json");
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.text().await.unwrap(), "", "{path}");
            assert_eq!(server.run(&run_id(n)).await["platform_status"], status);
        }
    }
    let requests = "comfydeploy_webhook_http_request_duration_seconds_count";
    let labels = format!(r#"{{route="{WEBHOOK}",status="200"}}"#);
    server.until_metric(&format!("{requests}{labels} 8")).await;
    let list = server.json("/api/runs").await;
    assert_eq!(list["runs"].as_array().map(Vec::len), Some(4), "{list}");
    assert_eq!(list["next_cursor"], json!(null));
}

#[tokio::test]
async fn every_path_of_the_webhook_needs_its_token() {
    let server = Server::with_tokens("writer", "", &[]).await;
    for path in ["/webhooks/run-update", "/webhooks/run-update/"] {
        for (token, status) in [("wrong", 401), ("writer", 200)] {
            let request = server.request(Method::POST, path).bearer_auth(token);
            let request = request.header("content-type", "application/json");
            let response = request.body("{}").send().await.unwrap();
            assert_eq!(response.status(), status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_body_of_which_nothing_comes_is_rejected_when_its_time_is_over() {
    let server = Server::with_flags(&["--body-timeout", "50ms"]).await;
    let never = "transfer-encoding: chunked\r\n\r\n";
    for path in ["/", "/api/events"] {
        let request = request("GET", path, "application/json", never);
        assert_status(&server.raw(request).await, 400);
    }
}
