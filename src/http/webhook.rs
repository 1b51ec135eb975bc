//! The endpoint that ComfyDeploy sends updates to.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    app::App,
    edge::auth,
    json::to_json_line,
    limits::body::{self, WholeBody},
    openapi::responses::UpdateProblems,
    problem::Problem,
};
use crate::run::Update;

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
    let update = Update::parse(&request.body)?;
    app.ingest.accept(&update)?;
    if request.is_retry {
        app.metrics.retries().inc();
    }
    if request.wants_json {
        // ComfyDeploy's JavaScript SDK reports an error unless it reads a status.
        let body = to_json_line(&json!({"status": "success"}));
        return Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response());
    }
    Ok(StatusCode::OK.into_response())
}

/// The body of a request that may report an update.
pub(super) struct UpdateRequest {
    body: WholeBody,
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
            return Err(method_problem(&head.method));
        }
        Ok(Self {
            body,
            is_retry,
            wants_json: wants_json(&head.headers),
        })
    }
}

/// Checks what can be known of a request before its body is read.
fn check_head(request: &Request, app: &App) -> Result<(), Problem> {
    let media_type = check_media_type(request.headers());
    let is_retry = request.method() == Method::GET && media_type.is_ok();
    if request.method() != Method::POST && !is_retry {
        return Err(method_problem(request.method()));
    }
    auth::check(
        app.webhook_tokens.as_ref(),
        request.headers(),
        request.uri(),
    )?;
    media_type
}

/// GET is allowed to retries, which this request is not.
fn method_problem(method: &Method) -> Problem {
    let allow = if method == Method::GET {
        "POST"
    } else {
        "GET, POST"
    };
    Problem::Method {
        allow: Some(allow.into()),
    }
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
    Err(Problem::MediaType(found))
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
    use super::*;

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
