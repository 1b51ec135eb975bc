//! While the runs are read at start.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder, Response};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::listed;
use crate::{
    harness::{Folder, Server, detail, problem, run_id, update},
    sse::{Stream, events_of},
};

/// Enough that reading them usually takes longer than some requests.
const RUNS: usize = 20_000;

const ROOM_FOR_ALL: [&str; 2] = ["--max-runs", "100000"];

/// A database with many runs, half of them with an output.
async fn fill(file: &Path) {
    let server = Server::with_database(file, &[]).await;
    server.accept(update(0, "running")).await;
    let output = json!({"id": "a", "data": "x".repeat(500)});
    let update = json!({"run_id": run_id(1), "status": "success", "outputs": [output]});
    server.accept(update.to_string()).await;
    server.stop().await;
    let database = Connection::open(file).unwrap();
    database.pragma_update(None, "synchronous", "OFF").unwrap();
    database
        .execute_batch(&format!(
            "BEGIN;
            CREATE TEMP TABLE other AS
                WITH RECURSIVE other (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM other LIMIT {RUNS} - 2)
                SELECT n, printf('7c9e6679-7425-40de-944b-%012d', n) AS id FROM other;
            CREATE TEMP TABLE copy AS SELECT * FROM other JOIN runs ON run = 1 + n % 2;
            UPDATE copy SET run = n + 1, run_id = id;
            ALTER TABLE copy DROP COLUMN n;
            ALTER TABLE copy DROP COLUMN id;
            INSERT INTO runs SELECT * FROM copy;
            INSERT INTO outputs (run, key, largest, json)
                SELECT copy.run, key, largest, json FROM copy JOIN outputs ON copy.run % 2 = 0;
            COMMIT;"
        ))
        .unwrap();
}

/// What the service says while it reads the runs.
const STARTING: &str = "the service is starting: it reads the runs from the database; try again";

/// How long a request waits for the runs.
const MAX_WAIT: Duration = Duration::from_secs(5);

async fn assert_starting(response: Response) {
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(detail(&problem(response, 503).await), STARTING);
}

/// Sends a request; again, if the machine is so slow that the runs are still being read after the wait.
async fn answered(request: RequestBuilder) -> Response {
    loop {
        let sent = Instant::now();
        let response = request.try_clone().unwrap().send().await.unwrap();
        if response.status() != 503 {
            return response;
        }
        assert!(sent.elapsed() >= MAX_WAIT, "it did not wait");
        assert_starting(response).await;
    }
}

/// The same, while the test goes on.
fn begin(request: RequestBuilder) -> impl Future<Output = Response> {
    let answered = tokio::spawn(answered(request));
    async {
        let response = answered.await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.url());
        response
    }
}

#[tokio::test]
async fn requests_wait_while_the_runs_are_read_and_are_answered_when_all_are_there() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    fill(&file).await;
    let server = Server::reading(&file, &ROOM_FOR_ALL).await;
    let updates = [(1, "failed"), (RUNS, "queued")]
        .map(|(n, status)| begin(server.webhook(Method::POST, update(n, status))));
    let get = |path: &str| begin(server.request(Method::GET, path));
    let path = format!("/api/runs/{}", run_id(1));
    let [all, run, waited, service] = [
        "/api/runs?limit=500",
        &path,
        &format!("{path}?wait=60"),
        "/api/service",
    ]
    .map(get);
    let [all_events, events] = ["/api/events", &events_of(1)].map(get);
    for path in ["/healthz", "/", "/openapi.json"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    // It does not wait. Nothing is wrong if they were read before.
    let readiness = server.get("/readyz").await;
    if readiness.status() != 200 {
        assert_starting(readiness).await;
    }

    for response in [run.await, waited.await] {
        let run: Value = response.json().await.unwrap();
        assert_eq!(run["status"], "completed");
        assert_eq!(run["outputs"][0]["id"], "a");
    }
    let list: Value = all.await.json().await.unwrap();
    assert_eq!(list["runs"].as_array().unwrap().len(), 500);
    let service: Value = service.await.json().await.unwrap();
    let counted = service["counts"]["all"].as_u64();
    assert!(counted >= Some(RUNS as u64), "{service}");
    let counts = Stream::of(all_events.await).next().await.unwrap();
    assert!(
        counts.data["all"].as_u64() >= Some(RUNS as u64),
        "{counts:?}"
    );
    let (run, _) = Stream::of(events.await).next_run().await;
    assert_eq!(run["status"], "completed");
    join_all(updates).await;
    assert_eq!(listed(&server).await[0], run_id(RUNS));
    let all = format!("comfydeploy_webhook_runs {}", RUNS + 1);
    server.until_metric(&all).await;
    let run = server.run(&run_id(1)).await;
    assert_eq!(run["status"], "completed", "which goes before failed");
}

#[tokio::test]
async fn streams_that_reconnect_while_the_runs_are_read_go_on() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let server = Server::with_database(&file, &[]).await;
    server.accept(update(0, "running")).await;
    let mut all = Stream::open(&server, "/api/events").await;
    let (_, all) = all.snapshot("start").await;
    let (_, one) = Stream::open(&server, &events_of(0)).await.next_run().await;
    server.stop().await;
    fill(&file).await;

    let server = Server::reading(&file, &ROOM_FOR_ALL).await;
    let back = |path: &str, last: &str| {
        let request = server.request(Method::GET, path);
        begin(request.header("last-event-id", last))
    };
    let all = back("/api/events", &all);
    let one = back(&events_of(0), &one.unwrap());
    let mut all = Stream::of(all.await);
    let snapshot = all.next_but_counts().await;
    assert_eq!(snapshot.data["reason"], "restart");
    let mut one = Stream::of(one.await);
    assert_eq!(one.next_run().await.0["status"], "processing");
    server.accept(update(0, "success")).await;
    assert_eq!(one.next_run().await.0["status"], "completed");
    assert_eq!(one.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn a_shutdown_while_the_runs_are_read_is_a_clean_one() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    fill(&file).await;
    let server = Server::reading(&file, &ROOM_FOR_ALL).await;
    assert_eq!(server.get("/healthz").await.status(), 200);
    server.stop().await;
    let server = Server::with_database(&file, &["--max-runs", "1000"]).await;
    server.until_metric("comfydeploy_webhook_runs 1000").await;
}
