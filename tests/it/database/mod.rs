//! Runs in a database, as a user meets them. What the storage itself promises is tested beside it.

mod backup;
mod evicted;
mod expired;
mod kept;
mod limits;
mod metrics;
mod refused;
mod restarted;
mod shell;
mod starting;
mod streams;

use std::path::Path;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{Folder, Process, Server, WEBHOOK, ids};

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.to_str().unwrap())
}

/// The program, serving from this file.
fn serve(file: &Path) -> Process {
    Process::serve(&["--database-url", &url(file)])
}

/// A server whose store has room for one run: each one that is updated evicts the one before.
async fn server_of_one_run(folder: &Folder) -> Server {
    Server::with_database(&folder.path("runs.db"), &["--max-runs", "1"]).await
}

/// Reports an update to the webhook's URL with this query.
async fn report(server: &Server, query: &str, update: String) {
    let request = server.request(Method::POST, &format!("{WEBHOOK}?{query}"));
    let request = request.header("content-type", "application/json");
    let response = request.body(update).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query}");
}

/// The ids of the runs in the list.
async fn listed(server: &Server) -> Vec<String> {
    let list = server.json("/api/runs?limit=500").await;
    let runs: &Vec<Value> = list["runs"].as_array().unwrap();
    ids(runs).into_iter().map(str::to_owned).collect()
}

/// How many runs the file has.
fn runs_in(file: &Path) -> usize {
    let database = Connection::open(file).unwrap();
    let count = database.query_row("SELECT count(*) FROM runs", [], |row| row.get(0));
    count.unwrap()
}
