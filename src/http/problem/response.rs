//! A problem as clients see it: problem details (RFC 9457).

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;
use crate::{
    http::{json::to_json_line, media},
    run::ParseError,
};

/// How a token may be presented. Basic comes first: it makes a browser ask for the token.
const CHALLENGES: [&str; 2] = [
    "Basic realm=\"comfydeploy-webhook\", charset=\"UTF-8\"",
    "Bearer realm=\"comfydeploy-webhook\"",
];

/// What a path accepts with POST (Linked Data Platform 1.0, section 7.1).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

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
                Self::NotAnUpdate(ParseError::NotAnObject { .. }) => Some(""),
                Self::NotAnUpdate(ParseError::WrongField { pointer, .. }) => Some(pointer),
                _ => None,
            },
            parameter: match &self {
                Self::Parameter { name, .. } => Some(name),
                _ => None,
            },
        };
        let mut response = (status, to_json_line(&body)).into_response();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        self.add_headers(headers);
        // `Edge` counts and logs the problems of updates.
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl Problem {
    fn add_headers(&self, headers: &mut HeaderMap) {
        let fixed = HeaderValue::from_static;
        match self {
            Self::Unauthorized(_) => {
                for challenge in CHALLENGES {
                    headers.append(header::WWW_AUTHENTICATE, fixed(challenge));
                }
            }
            Self::Method { allow: Some(allow) } => {
                let value = HeaderValue::from_str(allow).expect("methods are valid in headers");
                headers.insert(header::ALLOW, value);
                if allow.contains("POST") {
                    headers.insert(ACCEPT_POST, fixed(media::JSON));
                }
            }
            Self::RetryWithoutBody => {
                headers.insert(header::ALLOW, fixed("POST"));
                headers.insert(ACCEPT_POST, fixed(media::JSON));
            }
            Self::MediaType(_) => {
                headers.insert(ACCEPT_POST, fixed(media::JSON));
            }
            Self::ContentEncoding(_) => {
                headers.insert(ACCEPT_POST, fixed(media::JSON));
                headers.insert(header::ACCEPT_ENCODING, fixed("identity"));
            }
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, fixed("1"));
            }
            // It is uncertain where a request that breaks HTTP/1.1 ends.
            Self::NoHost | Self::SeveralHosts | Self::TransferCoding | Self::MalformedChunks => {
                headers.insert(header::CONNECTION, fixed("close"));
            }
            _ => {}
        }
    }
}
