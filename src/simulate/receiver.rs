//! The receiver of simulated updates.

use std::{fmt, net::SocketAddr};

use axum::http::{HeaderValue, Uri, uri::Scheme};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;

use crate::http::WEBHOOK_PATH;

/// Where updates go and how they are authorized.
#[derive(Clone)]
pub struct Receiver {
    /// The webhook's URL, without user and password.
    pub(super) url: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

impl Receiver {
    /// Parses a URL; one without a path gets that of the webhook. No error shows the URL: it may hold a token.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a URL such as http://127.0.0.1:8080";
        let url: Uri = text.parse().map_err(|_| EXPECTED)?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(EXPECTED);
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err("expected a URL that begins with http://: HTTPS is not supported here");
        }
        let (user_info, host) = match authority.as_str().rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority.as_str()),
        };
        let path = match url.path() {
            "/" => WEBHOOK_PATH,
            path => path,
        };
        let query = url
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        let url = Uri::builder().scheme(Scheme::HTTP).authority(host);
        Ok(Self {
            url: url
                .path_and_query(format!("{path}{query}"))
                .build()
                .map_err(|_| EXPECTED)?,
            authorization: user_info.map(basic),
        })
    }

    /// Sends this token instead of the user and the password in the URL.
    pub(super) fn set_token(&mut self, token: &str) {
        self.authorization = Some(secret(&format!("Bearer {token}")));
    }

    /// Where the receiver listens, if it is on this machine.
    pub(super) fn loopback(&self) -> Option<SocketAddr> {
        let address: SocketAddr = self.url.authority()?.as_str().parse().ok()?;
        address.ip().is_loopback().then_some(address)
    }
}

/// The address without a path. Neither the token nor the query, which may hold one, is shown.
impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.authority().map_or("", |host| host.as_str());
        write!(f, "http://{host}")
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({self})")
    }
}

/// The Authorization header for `user:password` as it is in a URL.
fn basic(user_info: &str) -> HeaderValue {
    let mut decoded: Vec<u8> = percent_decode_str(user_info).collect();
    if !user_info.contains(':') {
        decoded.push(b':');
    }
    secret(&format!("Basic {}", BASE64_STANDARD.encode(decoded)))
}

fn secret(value: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(value).expect("tokens and Base64 are visible ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_the_webhook_and_the_authorization_and_shows_no_token() {
        for (text, url, authorization) in [
            (
                "http://host:1",
                "http://host:1/api/webhooks/run-update",
                None,
            ),
            (
                "HTTP://[::1]:80/?token=s3cret",
                "http://[::1]:80/api/webhooks/run-update?token=s3cret",
                None,
            ),
            (
                "http://hook:s3cret%40@host/hook?a=b",
                "http://host/hook?a=b",
                Some("Basic aG9vazpzM2NyZXRA"),
            ),
            (
                "http://s3cret@host/hook",
                "http://host/hook",
                Some("Basic czNjcmV0Og=="),
            ),
        ] {
            let receiver = Receiver::parse(text).unwrap();
            assert_eq!(receiver.url, url);
            let sent = receiver.authorization.as_ref();
            assert_eq!(sent.map(|value| value.to_str().unwrap()), authorization);
            assert!(!format!("{receiver:?}").contains("s3cret"), "{receiver:?}");
        }
    }

    #[test]
    fn anything_but_a_plain_http_url_is_rejected_without_being_shown() {
        for text in [
            "",
            "host",
            "host:s3cret",
            "/s3cret",
            "http://",
            "http://hook:s3cret@",
            "http://hook:s3cret @host",
            "https://hook:s3cret@host",
            "ftp://hook:s3cret@host",
        ] {
            let error = Receiver::parse(text).unwrap_err();
            assert!(
                error.starts_with("expected a URL") && !error.contains("s3cret"),
                "{text}"
            );
        }
    }
}
