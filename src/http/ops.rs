//! What operators and their tools ask.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use super::state::App;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Updates are taken: with the state in memory alone, that is so from the first request on.
pub(super) async fn readyz() -> &'static str {
    "ok\n"
}

/// What was counted.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
) -> ([(HeaderName, &'static str); 1], String) {
    let usage = app.store.usage();
    let text = app.metrics.render(usage.runs, usage.bytes);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
