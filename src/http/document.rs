//! Responses that are sent compressed, and documents that are sent only to clients that do not have them yet.
//!
//! Each is compressed as a whole before it is sent: the state of a compressor that waits for a slow client would take more
//! memory than the text. Runs and streams are not compressed. They are made piece by piece, and they hold text of others
//! beside signed URLs: the size of a compressed response would tell whether the two have something in common (BREACH).

use std::{io::Write as _, sync::OnceLock};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};

use super::limits::frames::in_frames;

/// A document that stays the same.
#[derive(Debug)]
pub(super) struct Document {
    content_type: &'static str,
    plain: Version,
    /// Made when the first client asks for it.
    gzip: OnceLock<Version>,
}

/// A document in one encoding.
#[derive(Debug)]
struct Version {
    bytes: Bytes,
    /// What tells it from all others.
    etag: HeaderValue,
}

impl Version {
    fn new(bytes: Bytes) -> Self {
        let hash = BASE64_STANDARD.encode(Sha256::digest(&bytes));
        let etag = HeaderValue::try_from(format!("\"{hash}\""));
        Self {
            bytes,
            etag: etag.expect("Base64 may stand in a header"),
        }
    }
}

impl Document {
    pub(super) fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            content_type,
            plain: Version::new(bytes.into()),
            gzip: OnceLock::new(),
        }
    }

    /// The response to a request with these headers: the document, or that the client has it already.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response {
        let is_gzip = accepts_gzip(request);
        let version = if is_gzip {
            let compress = || Version::new(gzip(&self.plain.bytes).into());
            self.gzip.get_or_init(compress)
        } else {
            &self.plain
        };
        let mut response = whole(self.content_type, is_gzip, version.bytes.clone());
        if is_known(request, &version.etag) {
            // hyper sends the headers alone, with the length that the body would have.
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::ETAG, version.etag.clone());
        // The client may keep it and has to ask each time, since another version of the service has another document. A
        // proxy may not keep it for others: it may have been read with a token.
        let cache_control = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, cache_control);
        response
    }
}

/// The response to a request with these headers: a text that is different each time.
pub(super) fn compressed(
    request: &HeaderMap,
    content_type: &'static str,
    text: String,
) -> Response {
    let is_gzip = accepts_gzip(request);
    let bytes = if is_gzip {
        gzip(text.as_bytes()).into()
    } else {
        text.into()
    };
    whole(content_type, is_gzip, bytes)
}

fn whole(content_type: &'static str, is_gzip: bool, bytes: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (headers, in_frames(Full::new(bytes))).into_response();
    if is_gzip {
        let gzip = HeaderValue::from_static("gzip");
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, gzip);
    }
    response
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory can be written to")
}

/// Whether a client takes gzip. One that takes anything (`*`) gets the plain text.
fn accepts_gzip(request: &HeaderMap) -> bool {
    items(request, header::ACCEPT_ENCODING).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.split_once('=').map_or("", |(_, weight)| weight);
        // A weight of 0 rejects it.
        coding.trim_end().eq_ignore_ascii_case("gzip")
            && !weight.trim_matches(['0', '.']).is_empty()
    })
}

/// Whether a client has what this tag stands for. A proxy that changes the encoding makes the tag a weak one (`W/`).
fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    items(request, header::IF_NONE_MATCH).any(|tag| {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
    })
}

/// The items of a header that is a list.
fn items(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| (name.clone(), value.parse().unwrap()));
        values.collect()
    }

    #[test]
    fn gzip_is_accepted_where_it_is_named_with_a_weight_above_0() {
        for (values, expected) in [
            (&["gzip"][..], true),
            (&["br, GZip ; q=0.5"], true),
            (&["br", "deflate,gzip;q=1.000"], true),
            (&["gzip;q=0.001"], true),
            (&[], false),
            (&[""], false),
            (&["identity"], false),
            (&["*"], false),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.000, br"], false),
            (&["gzipped, x-gzip"], false),
        ] {
            let request = headers(&header::ACCEPT_ENCODING, values);
            assert_eq!(accepts_gzip(&request), expected, "{values:?}");
        }
    }

    #[test]
    fn a_document_is_known_by_its_tag_in_any_list_weak_or_not() {
        let etag = HeaderValue::from_static("\"a/b+c=\"");
        for (values, expected) in [
            (&["\"a/b+c=\""][..], true),
            (&["W/\"a/b+c=\""], true),
            (&["\"x\" ,\"a/b+c=\"", "\"y\""], true),
            (&["\"x\"", "W/\"y\", W/\"a/b+c=\""], true),
            (&["*"], true),
            (&[], false),
            (&[""], false),
            (&["\"x\""], false),
            (&["a/b+c="], false),
            (&["\"*\""], false),
        ] {
            let request = headers(&header::IF_NONE_MATCH, values);
            assert_eq!(is_known(&request, &etag), expected, "{values:?}");
        }
    }
}
