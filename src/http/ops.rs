//! For operators and their tools: probes and metrics.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderName, header},
};
use http_body_util::Full;

use super::{
    app::App,
    limits::frames::in_frames,
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
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
) -> ([(HeaderName, &'static str); 1], Body) {
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
    let headers = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    // Its size is bounded by its labels, so it needs no budget: it can be read when all budgets are used up.
    (headers, in_frames(Full::from(text)))
}
