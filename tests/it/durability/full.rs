//! A full disk, failing writes and failing syncs while the program runs.

use std::process::Command;

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{
    faults::{Fault, Faults},
    load::large,
    service,
};
use crate::harness::{Process, WEBHOOK, detail, output, problem, run_id, text, until};

const FAILURES: &str = "comfydeploy_webhook_database_failures_total";
const DATABASE_BYTES: &str = "comfydeploy_webhook_database_bytes";
const WAL_BYTES: &str = "comfydeploy_webhook_database_wal_bytes";

/// The size of the log from which on it is moved to the database.
const CHECKPOINT_BYTES: u64 = 32 * 1024 * 1024;

#[tokio::test]
async fn on_a_full_disk_updates_are_refused_until_there_is_space_again() {
    refuse_and_heal(Fault::Full, "the disk is full").await;
}

#[tokio::test]
async fn while_writes_fail_updates_are_refused_until_they_succeed_again() {
    refuse_and_heal(Fault::WriteErrors, "the disk reports errors").await;
}

#[tokio::test]
async fn while_syncs_fail_updates_are_refused_until_they_succeed_again() {
    refuse_and_heal(Fault::SyncErrors, "the disk reports errors").await;
}

async fn refuse_and_heal(fault: Fault, cause: &str) {
    let Some(faults) = Faults::new() else { return };
    let process = Process::start(faults.service());
    accept(&process, update(1, "processing")).await;
    let before = run(&process, 1).await;
    assert_eq!(metric(&process, FAILURES).await, 0);

    faults.set(fault);
    // The last does not fit into the memory of a transaction, so it is written in part before the commit.
    for body in [update(1, "completed"), update(2, "completed"), large(2)] {
        let response = process.post(WEBHOOK, body).await;
        assert!(response.headers().contains_key("retry-after"));
        problem(response, 503).await;
    }
    assert_eq!(run(&process, 1).await, before);
    assert_eq!(get(&process, &path(2)).await.status(), 404);
    let readiness = problem(get(&process, "/readyz").await, 503).await;
    assert!(detail(&readiness).contains(cause), "{readiness}");
    assert_eq!(get(&process, "/healthz").await.status(), 200);
    assert!(metric(&process, FAILURES).await > 0);
    let refused = r#"comfydeploy_webhook_updates_refused_total{reason="not_durable"}"#;
    assert_eq!(metric(&process, refused).await, 3);

    faults.set(Fault::None);
    until("/readyz says 200", async || {
        get(&process, "/readyz").await.status() == 200
    })
    .await;
    for body in [update(1, "completed"), update(3, "completed"), large(2)] {
        accept(&process, body).await;
    }
    let after = run(&process, 1).await;
    assert_eq!(outputs(&process, 1).await, 2);

    drop(process);
    let process = Process::start(service(&faults.database()));
    assert_eq!(run(&process, 1).await, after);
    assert_eq!(run(&process, 3).await["status"], "completed");
    assert_eq!(outputs(&process, 2).await, 1_000);
}

#[tokio::test]
async fn while_the_log_cannot_be_moved_to_the_database_updates_are_accepted_and_kept() {
    let Some(faults) = Faults::new() else { return };
    let process = Process::start(faults.service());
    faults.set(Fault::CheckpointErrors);
    let mut runs = 0;
    while metric(&process, WAL_BYTES).await < CHECKPOINT_BYTES * 3 / 2 {
        runs += 1;
        accept(&process, large(runs)).await;
    }
    let size = metric(&process, DATABASE_BYTES).await;
    assert!(size < CHECKPOINT_BYTES, "{size}");

    drop(process);
    faults.set(Fault::None);
    let mut process = Process::start(faults.service());
    for n in 1..=runs {
        assert_eq!(outputs(&process, n).await, 1_000);
    }
    accept(&process, update(1, "completed")).await;
    let size = metric(&process, DATABASE_BYTES).await;
    assert!(size > CHECKPOINT_BYTES, "{size}");

    faults.set(Fault::CheckpointErrors);
    accept(&process, large(runs + 1)).await;
    assert_eq!(process.stop().0, Some(0));
    faults.set(Fault::None);
    let process = Process::start(faults.service());
    assert_eq!(outputs(&process, runs + 1).await, 1_000);
}

#[tokio::test]
async fn on_a_full_disk_the_service_does_not_start_and_says_why() {
    let Some(faults) = Faults::new() else { return };
    faults.set(Fault::Full);
    assert_not_started(faults.service()).await;
    faults.set(Fault::None);
    let process = Process::start(faults.service());
    accept(&process, update(1, "completed")).await;

    drop(process);
    faults.set(Fault::Full);
    assert_not_started(faults.service()).await;
    faults.set(Fault::None);
    let process = Process::start(faults.service());
    assert_eq!(run(&process, 1).await["status"], "completed");
}

async fn assert_not_started(command: Command) {
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("runs.db: the disk is full"), "{line}");
}

/// An update with an output.
fn update(n: usize, status: &str) -> String {
    let outputs = [json!({"id": status, "data": "x".repeat(1_000)})];
    json!({"run_id": run_id(n), "status": status, "outputs": outputs}).to_string()
}

async fn accept(process: &Process, body: String) {
    let response = process.post(WEBHOOK, body).await;
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
}

async fn get(process: &Process, path: &str) -> Response {
    let request = Client::new().get(process.url(path));
    request.send().await.unwrap()
}

fn path(n: usize) -> String {
    format!("/api/runs/{}", run_id(n))
}

async fn run(process: &Process, n: usize) -> Value {
    let response = get(process, &path(n)).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// How many outputs a run has.
async fn outputs(process: &Process, n: usize) -> usize {
    run(process, n).await["outputs"].as_array().unwrap().len()
}

/// The value of a metric.
async fn metric(process: &Process, name: &str) -> u64 {
    let metrics = get(process, "/metrics").await.text().await.unwrap();
    let mut lines = metrics.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap().parse().unwrap()
}
