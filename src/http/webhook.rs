//! The endpoint that ComfyDeploy sends updates to.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{self, HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::Instant;
use tracing::warn;

use super::{
    app::{App, WEBHOOK_PATH},
    edge::{auth, panic},
    limits::body::{self, Source},
    openapi::responses::UpdateProblems,
    problem::Problem,
};
use crate::{run::Update, telemetry::LogRateLimit};

/// Takes one update.
///
/// ComfyDeploy's own retries arrive as `GET` with the body and the content type of the `POST`, and are
/// taken as what they were; any other `GET` is refused. The same path with a slash at its end does the
/// same.
#[utoipa::path(
    method(get, post),
    path = "/api/webhooks/run-update",
    request_body(content = Update, examples(
        ("documented" = (summary = "As ComfyDeploy's API reference has it", value = json!({
            "run_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "status": "completed",
            "progress": 100,
            "outputs": [
                {"id": "out-1", "data": {"images": [{"url": "https://example.com/castle.png"}]}}
            ]
        }))),
        ("wire" = (summary = "As ComfyDeploy's backend sends it", value = json!({
            "event_type": "run.updated",
            "run_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "status": "running",
            "progress": 0.45,
            "live_status": "Executing KSampler",
            "outputs": []
        })))
    )),
    responses(
        (
            status = 200,
            description = "Taken. The body is empty; with Accept: application/json, and not just */*, it is \
                           {\"status\":\"success\"}"
        ),
        UpdateProblems
    ),
)]
pub(super) async fn receive(State(app): State<Arc<App>>, request: Request) -> Response {
    take(&app, request).await
}

/// The same, whatever the body comes from.
pub(super) async fn take(app: &App, request: http::Request<impl Source>) -> Response {
    let begun = Instant::now();
    let is_post = request.method() == Method::POST;
    let accepted = panic::caught(app, accept(app, request, begun)).await;
    let mut response = accepted.unwrap_or_else(|problem| {
        let throttle = match problem.status() {
            StatusCode::UNAUTHORIZED => &app.strangers,
            _ => &app.complaints,
        };
        refuse(app, problem.reason(), throttle, problem)
    });
    let took = begun.elapsed().as_secs_f64();
    match response.status() {
        StatusCode::OK => app.updates_taken.observe(took),
        other => app
            .metrics
            .requests(WEBHOOK_PATH, other.as_u16())
            .observe(took),
    }
    if !is_post {
        // A cache that kept the answer to a retry would give it to the retry of another update, which
        // would be lost. It keeps none to a POST.
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
    }
    response
}

/// Whether this is the path of the webhook.
pub(super) fn is_at(path: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == WEBHOOK_PATH
}

/// Refuses what was sent here and breaks HTTP/1.1. Nobody has asked it for a token.
pub(super) fn refuse_breach(app: &App, problem: Problem) -> Response {
    refuse(app, Problem::PROTOCOL, &app.strangers, problem)
}

/// Counts an update that is refused, logs it and answers it.
fn refuse(app: &App, reason: &'static str, throttle: &LogRateLimit, problem: Problem) -> Response {
    app.metrics.refused(reason).inc();
    throttle.line(|left_out| {
        let (status, detail) = (problem.status().as_u16(), problem.detail());
        warn!(status, detail, left_out, "refused an update");
    });
    problem.into_response()
}

async fn accept(
    app: &App,
    request: http::Request<impl Source>,
    begun: Instant,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let headers = &head.headers;
    let media_type = check_media_type(headers);
    // The sender's HTTP client forgets the method when it tries again: the 2nd and 3rd try of an update
    // arrive as GET, with the body and the headers of the POST.
    let is_retry = head.method == Method::GET && media_type.is_ok();
    if head.method != Method::POST && !is_retry {
        Box::pin(body::discard(headers, body, &app.body_limits)).await;
        return Ok(not_an_update(&head.method));
    }
    let may = auth::check(app.webhook_tokens.as_ref(), headers, &head.uri);
    if let Err(problem) = may.and(media_type) {
        Box::pin(body::discard(headers, body, &app.body_limits)).await;
        return Err(problem);
    }
    let body = body::read(headers, body, &app.body_limits, begun).await?;
    if is_retry && body.is_empty() {
        return Ok(not_an_update(&head.method));
    }
    let update = Update::parse(&body)?;
    app.ingest.accept(&update)?;
    if is_retry {
        app.metrics.retries().inc();
    }
    if wants_json(headers) {
        // ComfyDeploy's JavaScript SDK reports an error unless it reads a status.
        return Ok(Json(json!({"status": "success"})).into_response());
    }
    Ok(StatusCode::OK.into_response())
}

/// The answer to a method that brings no update. GET is allowed to retries, which this was none of.
fn not_an_update(method: &Method) -> Response {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "send updates with POST; this URL shows nothing",
    );
    let allow = if method == Method::GET {
        "POST"
    } else {
        "GET, POST"
    };
    ([(header::ALLOW, allow)], problem).into_response()
}

/// Whether the body says that it is JSON, and not compressed.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let found = match headers.get(header::CONTENT_TYPE) {
        None => "no content type".to_owned(),
        Some(found) if !is_application_json(found.as_bytes()) => format!("content type {found:?}"),
        Some(_) => match headers.get(header::CONTENT_ENCODING) {
            None => return Ok(()),
            Some(found) => format!("content encoding {found:?}"),
        },
    };
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("found {found}, expected application/json without an encoding"),
    ))
}

/// Whether the client names `application/json`; `*/*`, which every client sends, is not enough.
fn wants_json(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|accept| {
        accept
            .as_bytes()
            .split(|&byte| byte == b',')
            .any(is_application_json)
    })
}

/// Whether a media type is `application/json`, whatever its parameters.
fn is_application_json(media_type: &[u8]) -> bool {
    let essence = media_type.split(|&byte| byte == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/json")
    })
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, task::Poll};

    use axum::body::{Body, Bytes};
    use futures_util::stream::poll_fn;

    use super::*;

    #[tokio::test]
    async fn an_update_whose_handler_panics_is_refused_counted_and_measured() {
        let app = App::for_tests();
        let body = poll_fn(|_| -> Poll<Option<Result<Bytes, Infallible>>> {
            panic!("a test asked for it");
        });
        let request = Request::post(WEBHOOK_PATH)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from_stream(body));
        let response = take(&app, request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(app.metrics.refused("internal").get(), 1);
        let durations = app.metrics.requests(WEBHOOK_PATH, 500);
        assert_eq!(durations.get_sample_count(), 1);
    }

    #[test]
    fn a_media_type_is_compared_without_its_parameters_and_its_case() {
        for good in [
            "application/json",
            "Application/JSON",
            " application/json ; charset=utf-8",
        ] {
            assert!(is_application_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "*/*",
            "text/json",
            "application/jsonp",
            "application/problem+json",
        ] {
            assert!(!is_application_json(bad.as_bytes()), "{bad}");
        }
    }
}
