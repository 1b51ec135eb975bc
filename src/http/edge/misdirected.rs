//! Updates that are sent to a path that takes none. To their sender any response below 400 means that they were
//! delivered.

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::Method,
};
use tracing::warn;

use super::{redact::loggable, routes::Route};
use crate::http::{WEBHOOK_PATH, app::App, limits::body, problem::Problem};

/// Characters of a method that the log shows, at most: a client may make one up.
const METHOD_CHARS: usize = 16;

/// Whether a request looks like an update: it has a body or a method that only the webhook takes. A body is enough,
/// whatever its content type: the sender's retries are `GET`, and people's own programs get the type wrong.
pub(super) fn may_be_update(request: &Request) -> bool {
    is_of_update(request.method()) || !request.body().is_end_stream()
}

/// Rejects such a request to `route`, or to a path without one. No token is asked for: its sender has none for reading,
/// and should learn the right path all the same.
///
/// The request is returned if it turns out to be none: some proxies announce a body in chunks for every request.
pub(super) async fn reject(
    app: &App,
    route: Option<&Route>,
    request: Request,
) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    let is_empty = body::drain(&head.headers, body, app.body_limits).await;
    if is_empty && !is_of_update(&head.method) {
        return Ok(Request::from_parts(head, Body::empty()));
    }
    report(app, &head.method, head.uri.path());
    Err(match route {
        None => Problem::NoSuchPath,
        Some(route) if route.takes(&head.method) => Problem::UnexpectedBody {
            methods: route.allow(),
        },
        Some(route) => Problem::Method {
            allow: Some(route.allow().into()),
        },
    })
}

/// Counts and logs such a request.
pub(super) fn report(app: &App, method: &Method, path: &str) {
    app.metrics.misdirected().inc();
    app.misdirected_log.line(|suppressed| {
        let method = method.as_str();
        let method = &method[..method.len().min(METHOD_CHARS)];
        let path = loggable(app, path);
        warn!(
            method,
            path, suppressed, "update sent to a wrong path; updates go to POST {WEBHOOK_PATH}"
        );
    });
}

fn is_of_update(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}
