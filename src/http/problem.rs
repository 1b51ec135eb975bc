//! Errors as clients see them: problem details, RFC 9457.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytesize::ByteSize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{run::ParseError, store::RunTooLarge};

/// The most characters of a detail: what was found may be as large as a body.
const DETAIL_CHARS: usize = 400;

/// How a token may be presented.
const CHALLENGES: [&str; 2] = [
    "Basic realm=\"comfydeploy-webhook\", charset=\"UTF-8\"",
    "Bearer realm=\"comfydeploy-webhook\"",
];

/// An error as `application/problem+json`.
///
/// Its `type` is `about:blank`: the status says what kind of problem it is, and the members beside it
/// say where it lies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    #[schema(value_type = u16, example = 422)]
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    /// What was found, and what is accepted.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// The wrong value of the body, as a JSON pointer (RFC 6901).
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The wrong parameter of the path or the query.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status,
            detail: shorten(detail.into()),
            pointer: None,
            parameter: None,
        }
    }

    pub(super) fn bad_parameter(name: &'static str, reason: &str) -> Self {
        Self {
            parameter: Some(name),
            ..Self::new(StatusCode::BAD_REQUEST, format!("{name}: {reason}"))
        }
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        let limit = ByteSize::b(limit as u64);
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit}, the most that is taken"),
        )
    }

    pub(super) fn body_too_slow(limit: Duration) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body had not arrived after {limit:?}, the longest that is waited"),
        )
    }

    pub(super) fn body_broken() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "the body ended before it was complete, or its chunks are not well formed",
        )
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "a token is needed: as Authorization: Bearer, as the password of Authorization: Basic, or as \
             ?token= in the query; there was none, or a wrong one",
        )
    }

    pub(super) fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "so much is being sent at once that there is no memory for this; try again",
        )
    }

    pub(super) fn too_many_subscribers() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "there are as many streams and waiting requests as --max-subscribers allows; try again",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log says why",
        )
    }

    /// That a request breaks HTTP/1.1, in a word.
    pub(super) const PROTOCOL: &str = "protocol";

    /// What an update may be refused with, each in a word.
    pub(super) const REASONS: [(StatusCode, &str); 9] = [
        (StatusCode::BAD_REQUEST, "not_json"),
        (StatusCode::UNAUTHORIZED, "unauthorized"),
        (StatusCode::REQUEST_TIMEOUT, "too_slow"),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type"),
        (StatusCode::UNPROCESSABLE_ENTITY, "wrong_field"),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        (StatusCode::NOT_IMPLEMENTED, Self::PROTOCOL),
        (StatusCode::SERVICE_UNAVAILABLE, "busy"),
    ];

    /// The status in a word, for a metric's label.
    pub(super) fn reason(&self) -> &'static str {
        let mut reasons = Self::REASONS.iter();
        let found = reasons.find(|(status, _)| *status == self.status);
        found.map_or("other", |(_, reason)| reason)
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        let detail = error.to_string();
        match error {
            ParseError::NotUtf8 { .. } | ParseError::Empty | ParseError::NotJson { .. } => {
                Self::new(StatusCode::BAD_REQUEST, detail)
            }
            ParseError::NotAnUpdate { pointer, .. } => Self {
                pointer: Some(pointer),
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
            },
        }
    }
}

impl From<RunTooLarge> for Problem {
    fn from(error: RunTooLarge) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            // Basic comes first: it is what makes a browser ask.
            for challenge in CHALLENGES {
                headers.append(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(challenge),
                );
            }
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// Leaves out the middle of a long text: the ends of a detail name the field and what is accepted.
fn shorten(detail: Cow<'static, str>) -> Cow<'static, str> {
    if detail.len() <= DETAIL_CHARS {
        return detail;
    }
    let start = detail.floor_char_boundary(DETAIL_CHARS / 2);
    let end = detail.ceil_char_boundary(detail.len() - DETAIL_CHARS / 2);
    format!("{} … {}", &detail[..start], &detail[end..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_keeps_its_ends() {
        let detail = format!(
            "/status: found \"{}\", expected queued",
            "é".repeat(1_000_000)
        );
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        assert!(problem.detail().starts_with("/status: found \"éé"));
        assert!(problem.detail().ends_with("éé\", expected queued"));
        assert!(problem.detail().len() <= DETAIL_CHARS + 10);
    }
}
