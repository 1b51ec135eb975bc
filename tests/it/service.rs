//! What the service says of itself.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Folder, Server, problem, run_id, update},
    sse::Stream,
};

fn time(service: &Value, name: &str) -> jiff::Timestamp {
    service[name].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_service_tells_its_time_and_since_when_it_keeps_runs() {
    let before = jiff::Timestamp::now();
    let server = Server::start().await;
    let first = server.json("/api/service").await;
    let second = server.json("/api/service").await;
    assert_eq!(first["started_at"], second["started_at"]);
    let (started, now) = (time(&first, "started_at"), time(&first, "time"));
    assert!(before.as_millisecond() <= started.as_millisecond() && started <= now);
    assert!(now <= time(&second, "time"));
    assert!(time(&second, "time") <= jiff::Timestamp::now());
    let shown = first["time"].as_str().unwrap();
    assert_eq!(shown.len(), "2026-03-01T12:00:07.000Z".len(), "{shown}");
}

#[tokio::test]
async fn the_service_counts_its_runs_as_the_stream_does() {
    let server = Server::start().await;
    let none = json!({"all": 0, "queued": 0, "processing": 0, "completed": 0, "failed": 0, "cancelled": 0});
    assert_eq!(server.json("/api/service").await["counts"], none);
    server.accept(update(1, "queued")).await;
    server.accept(update(2, "running")).await;
    server.accept(update(3, "timeout")).await;
    let counts = server.json("/api/service").await["counts"].take();
    let expected = json!({"all": 3, "queued": 1, "processing": 1, "completed": 0, "failed": 1, "cancelled": 0});
    assert_eq!(counts, expected);
    let mut stream = Stream::open(&server, "/api/events").await;
    assert_eq!(stream.next().await.unwrap().data, counts);
}

#[tokio::test]
#[cfg_attr(not(feature = "sqlite"), ignore = "needs the feature sqlite")]
async fn the_service_tells_where_it_keeps_the_runs() {
    let in_memory = Server::start().await;
    assert_eq!(
        in_memory.json("/api/service").await["runs_kept_in"],
        "memory"
    );
    let folder = Folder::new();
    let file = &folder.path("runs.db");
    let server = Server::with_database(file, &[]).await;
    server.accept(update(1, "queued")).await;
    server.stop().await;
    // Right from the start: it waits until the runs are read.
    let server = Server::reading(file, &[]).await;
    let service = server.json("/api/service").await;
    assert_eq!(service["runs_kept_in"], "database");
    assert_eq!(service["counts"]["queued"], 1);
}

#[tokio::test]
async fn the_service_answers_readers_alone_and_is_never_cached() {
    let server = Server::with_tokens("", "reader", &["--cors-origin", "https://app.example"]).await;
    problem(server.get("/api/service").await, 401).await;
    let request = server.request(Method::GET, "/api/service");
    let request = request.header("origin", "https://app.example");
    let response = request.bearer_auth("reader").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(
        headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-type"], "application/json");
    assert!(response.text().await.unwrap().ends_with("}\n"));

    let open = Server::start().await;
    let request = open.request(Method::GET, "/api/service");
    let stranger = request.header("host", "runs.example.com");
    problem(stranger.send().await.unwrap(), 403).await;
}

/// An output may have the URL of a waiting request: loaded as a picture, it would hold a connection of the browser.
#[tokio::test]
async fn runs_are_not_sent_as_a_picture_a_video_or_a_sound() {
    let server = Server::start().await;
    server.accept(update(1, "running")).await;
    let waiting = format!("/api/runs/{}?wait=60", run_id(1));
    for path in [waiting.as_str(), "/api/runs", "/api/events", "/api/service"] {
        for destination in ["image", "video", "audio"] {
            let request = server.request(Method::GET, path);
            let request = request.header("sec-fetch-dest", destination);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{path} {destination}");
        }
    }
    // As fetch(), EventSource and the address bar say.
    for destination in ["empty", "document"] {
        let request = server.request(Method::GET, "/api/runs");
        let request = request.header("sec-fetch-dest", destination);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}
