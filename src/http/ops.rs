//! What operators and their tools ask.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use super::{
    described::{ProbeProblems, ReadProblems},
    state::App,
};
use crate::metrics::Levels;

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

/// Whether updates are taken.
#[utoipa::path(
    get,
    operation_id = "getReadiness",
    path = "/readyz",
    responses((status = 200, description = "They are", body = String), ProbeProblems),
)]
pub(super) async fn readyz() -> &'static str {
    // With the state in memory alone that is so from the first request on.
    "ok\n"
}

/// What was counted, in Prometheus' text format.
#[utoipa::path(
    get,
    operation_id = "getMetrics",
    path = "/metrics",
    responses((status = 200, description = "The metrics", body = String), ReadProblems),
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
) -> ([(HeaderName, &'static str); 1], String) {
    let usage = app.store.usage();
    let text = app.metrics.render(Levels {
        runs: usage.runs,
        run_bytes: usage.bytes,
        body_bytes: app.body_limits.in_flight.used(),
        answer_bytes: app.answers.used() + app.streams.used(),
        subscribers: app.subscribers.count(),
    });
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
