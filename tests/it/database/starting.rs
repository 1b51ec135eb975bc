//! While the runs are read at start.

use std::path::Path;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use super::listed;
use crate::harness::{Folder, Server, WEBHOOK, detail, problem, run_id, update};

/// Enough that reading them takes longer than some requests.
const RUNS: usize = 50_000;

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

#[tokio::test]
async fn while_the_runs_are_read_updates_wait_and_readers_are_told_to_try_again() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    fill(&file).await;
    let server = Server::reading(&file, &["--max-runs", "100000"]).await;
    let updates = [(1, "failed"), (RUNS, "queued")].map(|(n, status)| {
        let request = server.webhook(Method::POST, update(n, status));
        tokio::spawn(request.send())
    });
    server
        .until_metric("comfydeploy_webhook_database_queue_length 2")
        .await;
    for path in ["/healthz", "/", "/openapi.json"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    let run = format!("/api/runs/{}", run_id(1));
    for path in [
        "/readyz",
        "/api/runs",
        "/api/events",
        &run,
        &format!("{run}?wait=60"),
        &format!("{run}/events"),
    ] {
        let response = server.get(path).await;
        assert_eq!(response.headers()["retry-after"], "1", "{path}");
        let problem = problem(response, 503).await;
        let expected = "the service is starting: it reads the runs from the database; try again";
        assert_eq!(detail(&problem), expected, "{path}");
    }
    assert!(updates.iter().all(|update| !update.is_finished()));

    server.until_ready().await;
    for update in updates {
        assert_eq!(update.await.unwrap().unwrap().status(), 200, "{WEBHOOK}");
    }
    assert_eq!(listed(&server).await[0], run_id(RUNS));
    let all = format!("comfydeploy_webhook_runs {}", RUNS + 1);
    server.until_metric(&all).await;
    let run = server.run(&run_id(1)).await;
    assert_eq!(run["status"], "completed", "which goes before failed");
    assert_eq!(run["outputs"][0]["id"], "a");
}

#[tokio::test]
async fn a_shutdown_while_the_runs_are_read_is_a_clean_one() {
    let folder = Folder::new();
    let file = folder.path("runs.db");
    fill(&file).await;
    let server = Server::reading(&file, &["--max-runs", "100000"]).await;
    problem(server.get("/readyz").await, 503).await;
    server.stop().await;
    let server = Server::with_database(&file, &["--max-runs", "1000"]).await;
    server.until_metric("comfydeploy_webhook_runs 1000").await;
}
