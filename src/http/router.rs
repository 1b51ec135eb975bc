//! Every route: this page is the whole API.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::from_fn_with_state,
    routing::{any, get},
};
use tower_http::{set_header::SetResponseHeaderLayer, trace::TraceLayer};
use tracing::{debug_span, warn};

use super::{
    app::{App, WEBHOOK_PATH},
    edge::{auth, cors, metrics},
    limits::body,
    openapi, ops, page,
    problem::Problem,
    read::{events, runs},
    webhook,
};

/// Whether updates are taken.
pub const READY_PATH: &str = "/readyz";

/// Every route there is. Pages of `origins` may read runs and streams.
pub fn router(app: Arc<App>, origins: &[String]) -> Router {
    // Tower layers cost more than taking an update does, so the webhook route carries none. Nor would one be
    // called: to the first of these paths there is a short way, in `connections`.
    let webhook = Router::new()
        .route(WEBHOOK_PATH, any(webhook::receive))
        .route(&format!("{WEBHOOK_PATH}/"), any(webhook::receive));

    let mut runs = guarded(
        &app,
        Router::new()
            .route("/api/runs", get(runs::list))
            .route("/api/runs/{run_id}", get(runs::show))
            .route("/api/runs/{run_id}/events", get(events::one))
            .route("/api/events", get(events::all)),
    );
    // Outside the guard: a browser asks without a token whether it may ask with one.
    if let Some(layer) = cors::layer(origins) {
        runs = runs.layer(layer);
    }

    let tools = guarded(
        &app,
        Router::new()
            .route("/", get(page::show))
            .route("/metrics", get(ops::metrics))
            .route("/openapi.json", get(openapi::show)),
    );

    let probes = Router::new()
        .route("/healthz", get(ops::healthz))
        .route(READY_PATH, get(ops::readyz));

    let others = runs
        .merge(tools)
        .merge(probes)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with({
                    let app = Arc::clone(&app);
                    move |request: &Request| {
                        debug_span!(
                            "request",
                            method = %request.method(),
                            // Not the query: it may hold a token.
                            path = loggable(&app, request.uri().path())
                        )
                    }
                })
                // What fails says so itself; that there is no room just now is counted.
                .on_failure(()),
        )
        .layer(from_fn_with_state(Arc::clone(&app), metrics::reads));

    webhook.merge(others).with_state(app)
}

/// Routes for those only who may read.
fn guarded(app: &Arc<App>, routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(Arc::clone(app), auth::guard_reads))
}

async fn no_such_path(State(app): State<Arc<App>>, request: Request) -> Problem {
    let may = if request.method() == Method::POST {
        app.strangers.line(|left_out| {
            let path = loggable(&app, request.uri().path());
            warn!(
                path,
                left_out, "nothing takes a POST here; updates go to {WEBHOOK_PATH}"
            );
        });
        Ok(())
    } else {
        auth::check(app.read_tokens.as_ref(), request.headers(), request.uri())
    };
    body::discard_request(request, &app.body_limits).await;
    may.err().unwrap_or_else(|| {
        let detail = format!("there is nothing at this path; updates go to {WEBHOOK_PATH}");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// What a log may show of a path. A mistyped URL may hold a token behind the path that it should have, or
/// behind its beginning, as in `/api/webhook&token=...`; and one that is encoded does not look like it.
fn loggable(app: &App, path: &str) -> String {
    if path.starts_with(WEBHOOK_PATH) {
        return format!("{WEBHOOK_PATH}...");
    }
    let mut tokens = [&app.webhook_tokens, &app.read_tokens]
        .into_iter()
        .flatten();
    if path.contains('%') || tokens.any(|tokens| tokens.appear_in(path)) {
        return "not shown: there may be a token in it".to_owned();
    }
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let end = path.find(|c| !is_usual(c)).unwrap_or(path.len());
    path[..end.min(100)].to_owned()
}

async fn no_such_method(State(app): State<Arc<App>>, request: Request) -> Problem {
    body::discard_request(request, &app.body_limits).await;
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method; the Allow header lists those it takes",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The paths of a router. It has no list of them, but shows them when it is printed.
    fn routed<S>(router: &Router<S>) -> BTreeSet<String> {
        let printed = format!("{router:?}");
        let quoted = printed.split('"').skip(1).step_by(2);
        let paths = quoted.filter(|text| text.starts_with('/'));
        paths.map(str::to_owned).collect()
    }

    #[test]
    fn a_log_shows_what_is_mistyped_but_nothing_that_may_hold_a_token() {
        let app = App::for_tests();
        for (path, shown) in [
            ("/api/webhook", "/api/webhook"),
            ("/api/webhook&token=secret", "/api/webhook"),
            ("/api/webhooks/run-updates", "/api/webhooks/run-update..."),
            (
                "/api/webhooks/run-update/sec%2Fret",
                "/api/webhooks/run-update...",
            ),
            ("/hook/sec%2Fret", "not shown: there may be a token in it"),
            ("/hook/sec%252Fret", "not shown: there may be a token in it"),
        ] {
            assert_eq!(loggable(&app, path), shown, "{path}");
        }
    }

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let router = router(App::for_tests(), &[]);
        let described = openapi::document(false, false).paths.paths;
        let mut routed_by_us = routed(&router);
        for path in routed::<()>(&Router::new().fallback(async || ())) {
            // The page is at the one path that a fallback has, too.
            if path != "/" {
                routed_by_us.remove(&path);
            }
        }
        assert_eq!(routed_by_us, described.into_keys().collect());
    }
}
