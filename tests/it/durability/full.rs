//! A full disk, failing writes and failing syncs while the program runs.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{
    faults::{Fault, Faults},
    service,
};
use crate::harness::{Process, WEBHOOK, detail, problem, run_id, until};

const FAILURES: &str = "comfydeploy_webhook_database_failures_total";

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
    accept(&process, 1, "processing").await;
    let before = run(&process, 1).await;
    assert_eq!(metric(&process, FAILURES).await, "0");

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
    assert_ne!(metric(&process, FAILURES).await, "0");
    let refused = r#"comfydeploy_webhook_updates_refused_total{reason="not_durable"}"#;
    assert_eq!(metric(&process, refused).await, "3");

    faults.set(Fault::None);
    until("/readyz says 200", async || {
        get(&process, "/readyz").await.status() == 200
    })
    .await;
    accept(&process, 1, "completed").await;
    accept(&process, 3, "completed").await;
    let response = process.post(WEBHOOK, large(2)).await;
    assert_eq!(response.status(), 200);
    let after = run(&process, 1).await;
    assert_eq!(after["outputs"].as_array().unwrap().len(), 2);

    drop(process);
    let process = Process::start(service(&faults.database()));
    assert_eq!(run(&process, 1).await, after);
    assert_eq!(run(&process, 3).await["status"], "completed");
}

/// An update with an output.
fn update(n: usize, status: &str) -> String {
    let outputs = [json!({"id": status, "data": "x".repeat(1_000)})];
    json!({"run_id": run_id(n), "status": status, "outputs": outputs}).to_string()
}

/// An update with as many outputs as one may have, and almost as many bytes.
fn large(n: usize) -> String {
    let output = |id| json!({"id": id, "data": "x".repeat(4_000)});
    let outputs: Vec<_> = (0..1_000).map(output).collect();
    json!({"run_id": run_id(n), "outputs": outputs}).to_string()
}

async fn accept(process: &Process, n: usize, status: &str) {
    let response = process.post(WEBHOOK, update(n, status)).await;
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

/// The value of a metric.
async fn metric(process: &Process, name: &str) -> String {
    let metrics = get(process, "/metrics").await.text().await.unwrap();
    let mut lines = metrics.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap().to_owned()
}
