//! The endpoint that ComfyDeploy sends updates to.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::{
    app::App,
    edge::{auth, hosts},
    limits::body::{self, WholeBody},
    media,
    openapi::responses::UpdateProblems,
    problem::Problem,
};
use crate::{ingest::Accepted, run::Update};

/// Accepts one update.
///
/// ComfyDeploy's own retries arrive as `GET` with the body and the content type of the `POST`, and are accepted as
/// the `POST` they were; any other `GET` is rejected. `/webhooks/run-update`, as ComfyDeploy's API reference prints the
/// path, and both paths with a slash at their end do the same.
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
            description = "Accepted. The body is empty; with Accept: application/json, and not just */*, it is \
                           {\"status\":\"success\"}"
        ),
        UpdateProblems
    ),
)]
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    request: UpdateRequest,
) -> Result<Response, Problem> {
    let mut update = Update::parse(&request.body)?;
    if let Some(query) = request.uri.query() {
        update = update.with_labels(label_parameters(query));
    }
    let accepted = app.ingest.accept(&update)?;
    if let Accepted::Waiting(commit) = accepted {
        // What waits is a copy, for which the memory of the body stays reserved.
        let _reserved = request.body.into_reservation();
        commit.durable().await?;
    }
    if request.is_retry {
        app.metrics.retries().inc();
    }
    if request.wants_json {
        // ComfyDeploy's JavaScript SDK reports an error unless it reads a status.
        let body = "{\"status\":\"success\"}\n";
        return Ok(([(header::CONTENT_TYPE, media::JSON)], body).into_response());
    }
    Ok(StatusCode::OK.into_response())
}

/// The body of a request that may report an update.
pub(super) struct UpdateRequest {
    body: WholeBody,
    uri: Uri,
    /// Whether it is the sender's retry. Its HTTP client forgets the method when it tries again: the 2nd and 3rd try
    /// of an update arrive as GET, with the body and the headers of the POST.
    is_retry: bool,
    wants_json: bool,
}

impl FromRequest<Arc<App>> for UpdateRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if let Err(problem) = check_head(&request, app) {
            let (head, body) = request.into_parts();
            Box::pin(body::drain(&head.headers, body, app.body_limits)).await;
            return Err(problem);
        }
        let (head, body) = request.into_parts();
        let body = body::read(&head.headers, body, app.body_limits, &app.memory.bodies).await?;
        let is_retry = head.method == Method::GET;
        if is_retry && body.is_empty() {
            return Err(Problem::RetryWithoutBody);
        }
        Ok(Self {
            body,
            uri: head.uri,
            is_retry,
            wants_json: media::is_accepted(&head.headers, media::JSON),
        })
    }
}

/// The labels of a run: what its sender added to the webhook's URL, but not what is meant for ComfyDeploy or for this
/// service.
fn label_parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !matches!(&**name, "target_events" | "token"))
}

/// Checks what can be known of a request before its body is read.
fn check_head(request: &Request, app: &App) -> Result<(), Problem> {
    let (method, headers) = (request.method(), request.headers());
    let content_type = check_content_type(headers);
    let is_retry = method == Method::GET && content_type.is_ok();
    if method != Method::POST && !is_retry {
        // GET is allowed to retries, which this request is not.
        let allow = match *method {
            Method::GET => "POST",
            _ => "GET, POST",
        };
        let allow = Some(allow.into());
        return Err(Problem::Method { allow });
    }
    auth::check(app.webhook_tokens.as_ref(), headers, request.uri())?;
    content_type?;
    check_encoding(headers)?;
    hosts::warn_of_open_webhook(app, headers, request.uri());
    Ok(())
}

/// Whether the body says that it is JSON.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_TYPE) {
        Some(found) if media::is(found.as_bytes(), media::JSON) => Ok(()),
        found => {
            let found = found.filter(|value| !value.is_empty());
            Err(Problem::MediaType(found.map(text)))
        }
    }
}

/// Whether the body is sent as it is.
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_none = |value: &HeaderValue| {
        value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity")
    };
    encodings
        .find(|value| !is_none(value))
        .map_or(Ok(()), |found| Err(Problem::ContentEncoding(text(found))))
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
