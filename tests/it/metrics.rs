//! What `/metrics` shows to operators.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::harness::{Server, WEBHOOK, fixtures, head, run_id, update, update_head};

async fn metrics(server: &Server) -> String {
    let response = server.get("/metrics").await;
    assert_eq!(response.status(), 200);
    let content_type = &response.headers()["content-type"];
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

/// The value of a metric, given with its labels.
fn value(metrics: &str, name: &str) -> u64 {
    let prefix = format!("comfydeploy_webhook_{name} ");
    let mut values = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix));
    let value = values
        .next()
        .unwrap_or_else(|| panic!("{name} is not in {metrics}"));
    assert!(values.next().is_none(), "{name} is there twice");
    value.parse().unwrap()
}

/// How many requests to a route got this status.
fn measured(metrics: &str, route: &str, status: u16) -> u64 {
    let name = "http_request_duration_seconds_count";
    value(
        metrics,
        &format!(r#"{name}{{route="{route}",status="{status}"}}"#),
    )
}

#[tokio::test]
async fn every_counter_is_shown_before_it_counts() {
    let metrics = metrics(&Server::start().await).await;
    let reasons = "empty not_json not_an_object wrong_field too_large too_slow incomplete media_type \
                   compressed method unauthorized busy protocol internal";
    for (name, label, words) in [
        ("updates_refused_total", "reason", reasons),
        ("connections_timed_out_total", "stage", "headers send idle"),
        ("memory_revoked_total", "kind", "body response event"),
        ("stream_snapshots_total", "reason", "start behind restart"),
        (
            "run_evictions_total",
            "cause",
            "max_runs max_bytes retention",
        ),
    ] {
        for word in words.split(' ') {
            assert_eq!(
                value(&metrics, &format!(r#"{name}{{{label}="{word}"}}"#)),
                0
            );
        }
    }
}

#[tokio::test]
async fn updates_are_counted_by_outcome_and_dialect() {
    let server = Server::start().await;
    for (_, body) in fixtures("wire-").into_iter().chain(fixtures("documented-")) {
        server.accept(body.clone()).await;
        server.accept(body).await;
    }
    let retry = server.webhook(Method::GET, "{}").send().await.unwrap();
    assert_eq!(retry.status(), 200);
    let metrics = metrics(&server).await;
    let updates = |outcome, dialect| {
        let labels = format!(r#"updates_total{{dialect="{dialect}",outcome="{outcome}"}}"#);
        value(&metrics, &labels)
    };
    let wire = fixtures("wire-").len() as u64;
    assert_eq!(
        updates("applied", "wire") + updates("no_change", "wire"),
        2 * wire
    );
    assert!(updates("no_change", "wire") >= wire);
    assert_eq!(
        updates("applied", "documented") + updates("no_change", "documented"),
        8
    );
    assert!(updates("applied", "documented") >= 1);
    assert_eq!(
        updates("without_run_id", "documented"),
        3,
        "{{}} twice, and the retry"
    );
    assert_eq!(updates("without_run_id", "wire"), 0);
    assert_eq!(value(&metrics, "update_retries_total"), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_counted_as_incomplete() {
    let server = Server::start().await;
    let incomplete = r#"updates_refused_total{reason="incomplete"}"#;
    assert_eq!(value(&metrics(&server).await, incomplete), 0);
    server
        .raw_cut_off(update_head("content-length: 100") + &update(1, "queued"))
        .await;
    let metrics = metrics(&server).await;
    assert_eq!(value(&metrics, incomplete), 1);
    let not_json = r#"updates_refused_total{reason="not_json"}"#;
    assert_eq!(value(&metrics, not_json), 0);
}

#[tokio::test]
async fn the_size_of_the_store_and_its_evictions_are_shown() {
    let server = Server::with_flags(&["--max-runs", "2"]).await;
    for n in 0..5 {
        server.accept(update(n, "queued")).await;
    }
    let shown = metrics(&server).await;
    assert_eq!(value(&shown, "runs"), 2);
    assert!((500..5_000).contains(&value(&shown, "run_bytes")));
    assert_eq!(value(&shown, r#"run_evictions_total{cause="max_runs"}"#), 3);
    assert_eq!(
        value(&shown, r#"run_evictions_total{cause="max_bytes"}"#),
        0
    );

    let server = Server::with_flags(&["--max-bytes", "1MiB"]).await;
    for n in 0..30 {
        let outputs = json!([{"data": "x".repeat(50_000)}]);
        server
            .accept(json!({"run_id": run_id(n), "outputs": outputs}).to_string())
            .await;
    }
    let shown = metrics(&server).await;
    let dropped = value(&shown, r#"run_evictions_total{cause="max_bytes"}"#);
    assert_eq!(dropped + value(&shown, "runs"), 30);
    assert!(value(&shown, "run_bytes") <= 1024 * 1024);

    let server = Server::with_flags(&["--retention", "1ms"]).await;
    server.accept(update(1, "queued")).await;
    let expired = r#"comfydeploy_webhook_run_evictions_total{cause="retention"} 1"#;
    server.until_metric(expired).await;
}

#[tokio::test]
async fn durations_are_labelled_by_route_and_status_and_never_by_client_input() {
    let server = Server::start().await;
    server.accept("{}").await;
    server.post("not json").await;
    for n in 0..100 {
        server.get(&format!("/api/runs/{}", run_id(n))).await;
        server.get(&format!("/made/up/{n}?and={n}")).await;
        let method = Method::from_bytes(format!("MADEUP{n}").as_bytes()).unwrap();
        server.request(method, WEBHOOK).send().await.unwrap();
        let typed = server.request(Method::POST, WEBHOOK).body("{}");
        typed
            .header("content-type", format!("made/up-{n}"))
            .send()
            .await
            .unwrap();
    }
    let metrics = metrics(&server).await;
    let count = |route, status| measured(&metrics, route, status);
    assert_eq!(count(WEBHOOK, 200), 1);
    assert_eq!(count(WEBHOOK, 400), 1);
    assert_eq!(count(WEBHOOK, 405), 100);
    assert_eq!(count(WEBHOOK, 415), 100);
    assert_eq!(count("/api/runs/{run_id}", 404), 100);
    assert_eq!(count("none", 404), 100);
    let series: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(series.len() < 200, "{} series", series.len());
    assert!(!metrics.contains("made"), "{metrics}");
}

#[tokio::test]
async fn requests_that_violate_http_are_measured_and_on_the_webhook_count_as_rejected() {
    let server = Server::start().await;
    for path in [WEBHOOK, &format!("{WEBHOOK}/"), "/made/up"] {
        let coding = "transfer-encoding: gzip, chunked";
        server.raw(head("POST", path, "text/plain", coding)).await;
        server.raw(format!("POST {path} HTTP/1.1\r\n\r\n")).await;
    }
    let metrics = metrics(&server).await;
    let rejected = r#"updates_refused_total{reason="protocol"}"#;
    assert_eq!(value(&metrics, rejected), 4);
    for (route, count) in [(WEBHOOK, 2), ("none", 1)] {
        assert_eq!(measured(&metrics, route, 400), count, "{route}");
        assert_eq!(measured(&metrics, route, 501), count, "{route}");
    }
    assert!(!metrics.contains("made"), "{metrics}");
}

#[tokio::test]
async fn the_build_and_the_connections_are_shown() {
    let server = Server::start().await;
    let metrics = metrics(&server).await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        value(&metrics, &format!(r#"build_info{{version="{version}"}}"#)),
        1
    );
    assert_eq!(value(&metrics, "connections_open"), 1);
    assert_eq!(value(&metrics, "connections_total"), 1);
    assert_eq!(value(&metrics, "connections_displaced_total"), 0);
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("comfydeploy_webhook_"), "{line}");
    }
}
