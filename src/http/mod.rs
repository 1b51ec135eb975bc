//! Everything that knows HTTP. This page is the whole API.

mod body;
mod ops;
mod problem;
mod runs;
mod state;
mod webhook;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    routing::{any, get},
};
use tower_http::{set_header::SetResponseHeaderLayer, trace::TraceLayer};
use tracing::{debug_span, warn};

use self::problem::Problem;
pub use self::{body::BodyLimits, state::App};

/// Where ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = "/api/webhooks/run-update";

/// Whether updates are taken.
pub const READY_PATH: &str = "/readyz";

/// Every route there is.
pub fn router(app: Arc<App>) -> Router {
    // Tower layers cost more than taking an update does, so the webhook route carries none.
    let webhook = Router::new()
        .route(WEBHOOK_PATH, any(webhook::receive))
        .route(&format!("{WEBHOOK_PATH}/"), any(webhook::receive));

    let reads = Router::new()
        .route("/api/runs", get(runs::list))
        .route("/api/runs/{run_id}", get(runs::show))
        .route("/healthz", get(ops::healthz))
        .route(READY_PATH, get(ops::readyz))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        // The path alone: a query string may hold what does not belong in a log.
        .layer(TraceLayer::new_for_http().make_span_with(|request: &Request| {
            debug_span!("request", method = %request.method(), path = request.uri().path())
        }));

    webhook
        .merge(reads)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app)
}

async fn no_such_path(State(app): State<Arc<App>>, request: Request) -> Problem {
    if request.method() == Method::POST {
        let path = problem::shorten(request.uri().path().to_owned().into());
        warn!(
            path = &*path,
            "nothing takes a POST here; updates go to {WEBHOOK_PATH}"
        );
    }
    discard(&app, request).await;
    let detail = format!("there is nothing at this path; updates go to {WEBHOOK_PATH}");
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn no_such_method(State(app): State<Arc<App>>, request: Request) -> Problem {
    discard(&app, request).await;
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method; the Allow header lists those it takes",
    )
}

async fn discard(app: &App, request: Request) {
    let (head, body) = request.into_parts();
    body::discard(&head.headers, body, app.body_limits).await;
}
