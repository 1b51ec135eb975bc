//! Unknown paths, and methods that a path does not accept.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Method,
};
use tracing::warn;

use super::{auth, redact::loggable};
use crate::http::{WEBHOOK_PATH, app::App, limits::body, problem::Problem};

pub(in crate::http) async fn no_such_path(
    State(app): State<Arc<App>>,
    request: Request,
) -> Problem {
    // A sender with a mistyped URL has no read token, and should learn the right path all the same.
    let authorized = if request.method() == Method::POST {
        app.anonymous_log.line(|suppressed| {
            let path = loggable(&app, request.uri().path());
            warn!(
                path,
                suppressed, "no route for POST; updates go to {WEBHOOK_PATH}"
            );
        });
        Ok(())
    } else {
        auth::check(app.read_tokens.as_ref(), request.headers(), request.uri())
    };
    body::drain(request, app.body_limits).await;
    authorized.err().unwrap_or(Problem::NoSuchPath)
}

pub(in crate::http) async fn no_such_method(
    State(app): State<Arc<App>>,
    request: Request,
) -> Problem {
    body::drain(request, app.body_limits).await;
    Problem::Method { allow: None }
}
