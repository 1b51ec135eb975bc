//! The receiver that a simulation sends to.

use std::{fmt, net::SocketAddr};

use axum::http::{Uri, uri::Scheme};

/// Where updates go, and the user and the password that were given with it. Neither these nor the query,
/// which may hold a token, are shown.
#[derive(Clone)]
pub struct Receiver {
    /// The URL without user and password.
    pub url: Uri,
    /// `user:password`, percent-encoded as it was given.
    pub user_info: Option<String>,
}

impl Receiver {
    /// Reads a URL; an error does not show it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a URL such as http://127.0.0.1:8080";
        let mut parts = text.parse::<Uri>().map_err(|_| EXPECTED)?.into_parts();
        let scheme = parts.scheme.replace(Scheme::HTTP).ok_or(EXPECTED)?;
        if !scheme.as_str().eq_ignore_ascii_case("http") {
            return Err("expected a URL that begins with http://: this sends plain HTTP only");
        }
        let authority = parts.authority.take().ok_or(EXPECTED)?;
        let (user_info, host) = match authority.as_str().rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info.to_owned()), host),
            None => (None, authority.as_str()),
        };
        parts.authority = Some(host.parse().map_err(|_| EXPECTED)?);
        let url = Uri::from_parts(parts).map_err(|_| EXPECTED)?;
        Ok(Self { url, user_info })
    }

    /// The service at `address`.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self {
            url: format!("http://{address}")
                .parse()
                .expect("an address in a URL"),
            user_info: None,
        }
    }

    /// The service itself, without a path: all of the URL that is fit to be shown.
    #[must_use]
    pub fn address(&self) -> String {
        let authority = self.url.authority().map_or("", |host| host.as_str());
        format!("http://{authority}")
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_out_of_the_url_and_not_shown() {
        for (text, url, user_info) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", None),
            (
                "HTTP://[::1]:80/x?y=s3cret",
                "http://[::1]:80/x?y=s3cret",
                None,
            ),
            (
                "http://hook:s3cret%40@host/x",
                "http://host/x",
                Some("hook:s3cret%40"),
            ),
        ] {
            let receiver = Receiver::read(text).unwrap();
            assert_eq!(receiver.url, url);
            assert_eq!(receiver.user_info.as_deref(), user_info);
            assert!(!format!("{receiver:?}").contains("s3cret"), "{receiver:?}");
        }
    }

    #[test]
    fn what_is_no_url_of_plain_http_is_refused_without_being_shown() {
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
            let error = Receiver::read(text).unwrap_err();
            assert!(
                error.starts_with("expected a URL") && !error.contains("s3cret"),
                "{text}"
            );
        }
    }
}
