//! Media types, as headers name them.

use axum::http::{HeaderMap, header};

/// What an update is.
pub(super) const JSON: &str = "application/json";

/// Whether the value of a header is this media type, whatever its parameters.
pub(super) fn is(value: &[u8], media_type: &str) -> bool {
    let essence = value.split(|&byte| byte == b';').next();
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(media_type.as_bytes())
    })
}

/// Whether a client asks for this media type by name; `*/*`, which every client sends, is not enough.
pub(super) fn is_accepted(headers: &HeaderMap, media_type: &str) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|accept| {
        let mut accepted = accept.as_bytes().split(|&byte| byte == b',');
        accepted.any(|value| is(value, media_type))
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
            assert!(is(good.as_bytes(), JSON), "{good}");
        }
        for bad in [
            "",
            "*/*",
            "text/json",
            "application/jsonp",
            "application/problem+json",
        ] {
            assert!(!is(bad.as_bytes(), JSON), "{bad}");
        }
    }
}
