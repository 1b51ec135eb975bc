//! For operators and their tools: probes and metrics.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{
    app::App,
    document,
    openapi::responses::{GuardedProblems, ProbeProblems, ReadinessProblems},
    problem::Problem,
};
use crate::{ingest::Readiness, metrics::Levels, telemetry};

/// Whether the process answers.
#[utoipa::path(
    get,
    operation_id = "getHealth",
    path = "/healthz",
    responses((status = 200, description = "It does", body = String), ProbeProblems),
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether new requests should come here: not before the runs are read from the database, not while it cannot be written,
/// and until the shutdown begins.
#[utoipa::path(
    get,
    operation_id = "getReadiness",
    path = "/readyz",
    responses((status = 200, description = "They should", body = String), ReadinessProblems),
)]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.shutdown.is_cancelled() {
        return Err(Problem::ShuttingDown);
    }
    match app.ingest.readiness() {
        Readiness::Ready => Ok("ok\n"),
        Readiness::Restoring => Err(Problem::Restoring),
        Readiness::Failing(cause) => Err(Problem::Database(cause)),
    }
}

/// What was counted, in Prometheus' text format.
#[utoipa::path(
    get,
    operation_id = "getMetrics",
    path = "/metrics",
    responses((status = 200, description = "The metrics", body = String), GuardedProblems),
)]
pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let usage = app.store.usage();
    app.lookup.measure_database();
    let text = app.metrics.render(Levels {
        runs: usage.runs,
        run_bytes: usage.bytes,
        body_bytes: app.memory.bodies.used(),
        answer_bytes: app.memory.responses.used() + app.memory.streams.used(),
        subscribers: app.subscribers.count(),
        log_lines_left_out: telemetry::lines_left_out(),
    });
    // Its size is bounded by its labels, so it needs no budget: it can be read when all budgets are used up.
    document::compressed(&headers, "text/plain; version=0.0.4; charset=utf-8", text)
}
