//! What operators and their tools ask.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use super::{
    app::App,
    limits::response,
    openapi::responses::{MetricsProblems, ProbeProblems},
    problem::Problem,
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
    responses((status = 200, description = "The metrics", body = String), MetricsProblems),
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let usage = app.store.usage();
    let text = app.metrics.render(Levels {
        runs: usage.runs,
        run_bytes: usage.bytes,
        body_bytes: app.body_limits.in_flight.used(),
        answer_bytes: app.answers.used() + app.streams.used(),
        subscribers: app.subscribers.count(),
    });
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    response::text(content_type, text, &app.copies_of_metrics)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn copies_of_the_metrics_that_nobody_takes_are_bounded_and_leave_room_for_answers() {
        let app = App::for_tests();
        for status in 200..300 {
            app.metrics.requests("/a/route", status).observe(1.0);
        }
        let mut unread = Vec::new();
        let refused = loop {
            match metrics(State(Arc::clone(&app))).await {
                Ok(copy) => unread.push(copy),
                Err(problem) => break problem,
            }
        };
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!((2..100).contains(&unread.len()), "{} copies", unread.len());
        assert_eq!(app.answers.used(), 0);
        unread.pop();
        assert!(metrics(State(app)).await.is_ok());
    }
}
