//! Delivering one update as ComfyDeploy does.

use std::{fmt, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, StatusCode, Uri, header},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use percent_encoding::percent_decode_str;
use tokio::time::{sleep, timeout};

use super::{receiver::Receiver, script::Step};
use crate::{http::WEBHOOK_PATH, net::root_cause};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The method of each try, and the pause before it. The sender's HTTP client forgets the method when it
/// tries again.
const TRIES: [(Method, Duration); 3] = [
    (Method::POST, Duration::ZERO),
    (Method::GET, Duration::from_millis(500)),
    (Method::GET, Duration::from_secs(1)),
];

/// Why an update was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// There was no answer in time.
    Silent,
    /// There is no way to the receiver, or it closed the connection.
    Unreachable(String),
    /// It answered with an error.
    Refused(StatusCode),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => write!(f, "no answer within {PATIENCE:?}"),
            Self::Unreachable(cause) => f.write_str(cause),
            Self::Refused(status) => write!(f, "the answer was {status}"),
        }
    }
}

/// What became of an update.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) step: Step,
    pub(super) tries: usize,
    pub(super) outcome: Result<(), Lost>,
}

/// The sender of updates to one receiver.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client<HttpConnector, Body>,
    url: Uri,
    authorization: Option<HeaderValue>,
    speed: f64,
}

impl Sender {
    /// `token` wins over a user and a password in the receiver's URL. The pauses between tries become
    /// shorter with `speed`.
    pub(super) fn new(receiver: &Receiver, token: Option<&str>, speed: f64) -> Self {
        let authorization = token
            .map(|token| format!("Bearer {token}"))
            .or_else(|| receiver.user_info.as_deref().map(basic));
        Self {
            // Each try is a connection of its own.
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build_http(),
            url: webhook(&receiver.url),
            authorization: authorization.map(|value| {
                let mut value = HeaderValue::try_from(value).expect("tokens are visible ASCII");
                value.set_sensitive(true);
                value
            }),
            speed,
        }
    }

    pub(super) const fn has_token(&self) -> bool {
        self.authorization.is_some()
    }

    /// Tries until an answer below 400 arrives, three times at the most.
    pub(super) async fn deliver(&self, step: Step) -> Delivery {
        let body = Bytes::from(step.body.clone());
        let mut tries = 0;
        let mut outcome = Ok(());
        for (method, pause) in TRIES {
            sleep(pause.div_f64(self.speed)).await;
            tries += 1;
            outcome = self.send(method, body.clone()).await;
            if outcome.is_ok() && tries > step.answers_lost {
                break;
            }
        }
        Delivery {
            step,
            tries,
            outcome,
        }
    }

    async fn send(&self, method: Method, body: Bytes) -> Result<(), Lost> {
        let length = body.len();
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CONTENT_LENGTH, length.into());
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let response = timeout(PATIENCE, self.client.request(request))
            .await
            .map_err(|_| Lost::Silent)?
            .map_err(|error| Lost::Unreachable(root_cause(&error)))?;
        match response.status() {
            status if status.as_u16() < 400 => Ok(()),
            status => Err(Lost::Refused(status)),
        }
    }
}

/// Where updates go: what was given, or where a service at this address takes them.
fn webhook(url: &Uri) -> Uri {
    if url.path() != "/" {
        return url.clone();
    }
    let query = url
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = url.clone().into_parts();
    let path = format!("{WEBHOOK_PATH}{query}").parse();
    parts.path_and_query = Some(path.expect("a path and the query of a URL"));
    Uri::from_parts(parts).expect("the parts of a URL")
}

/// `user:password` as it stands in a URL, as the value of an Authorization header.
fn basic(user_info: &str) -> String {
    let mut decoded: Vec<u8> = percent_decode_str(user_info).collect();
    if !user_info.contains(':') {
        decoded.push(b':');
    }
    format!("Basic {}", BASE64_STANDARD.encode(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_webhooks_path_and_another_url_is_kept() {
        for (given, used) in [
            ("http://host", "http://host/api/webhooks/run-update"),
            (
                "http://host:1/?a=b",
                "http://host:1/api/webhooks/run-update?a=b",
            ),
            ("http://host/hook?a=b", "http://host/hook?a=b"),
        ] {
            assert_eq!(webhook(&given.parse().unwrap()), used);
        }
    }

    #[test]
    fn user_and_password_are_decoded_before_they_are_sent() {
        assert_eq!(basic("hook:t0ken"), "Basic aG9vazp0MGtlbg==");
        assert_eq!(basic(":t0%3aken"), "Basic OnQwOmtlbg==");
        assert_eq!(basic("t0ken"), "Basic dDBrZW46");
    }

    #[test]
    fn debug_output_does_not_show_the_token() {
        let url = "http://host".parse().unwrap();
        let receiver = Receiver {
            url,
            user_info: None,
        };
        let sender = Sender::new(&receiver, Some("s3cret"), 1.0);
        assert!(!format!("{sender:?}").contains("s3cret"));
    }
}
