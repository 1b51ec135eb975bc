//! A problem as clients see it: problem details (RFC 9457).

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;
use crate::run::ParseError;

/// How a token may be presented. Basic comes first: it makes a browser ask for the token.
const CHALLENGES: [&str; 2] = [
    "Basic realm=\"comfydeploy-webhook\", charset=\"UTF-8\"",
    "Bearer realm=\"comfydeploy-webhook\"",
];

/// An error as `application/problem+json`.
///
/// Its `type` is `about:blank`: the status says what kind of problem it is, and the members beside it say where
/// it lies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(in crate::http) struct ProblemBody<'a> {
    /// Always `about:blank`.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    /// What was found, and what is accepted.
    detail: &'a str,
    /// The wrong value of the body, as a JSON pointer (RFC 6901).
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    /// The wrong parameter of the path or the query.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let detail = self.detail();
        let body = ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &detail,
            pointer: match &self {
                Self::NotAnUpdate(ParseError::NotAnUpdate { pointer, .. }) => Some(pointer),
                _ => None,
            },
            parameter: match &self {
                Self::Parameter { name, .. } => Some(name),
                _ => None,
            },
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        match &self {
            Self::Unauthorized => {
                for challenge in CHALLENGES {
                    let challenge = HeaderValue::from_static(challenge);
                    headers.append(header::WWW_AUTHENTICATE, challenge);
                }
            }
            Self::Method { allow: Some(allow) } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            Self::NoMemory | Self::TooManySubscribers | Self::NoSlot => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // It is uncertain where a request that breaks HTTP/1.1 ends.
            Self::NoHost | Self::SeveralHosts | Self::TransferCoding => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        // `Edge` counts and logs the problems of updates.
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
