//! What HTTP/1.1 asks of every request and hyper leaves to the server (RFC 9112, sections 3.2 and 6.3).

use axum::{
    extract::Request,
    http::{StatusCode, Version, header},
};

use crate::http::problem::Problem;

/// Checks a request, given the bytes that its headers are in.
pub(super) fn check<B>(request: &Request<B>, head: &[u8]) -> Result<(), Problem> {
    let bad_request = |detail| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    let headers = request.headers();
    match headers.get_all(header::HOST).iter().count() {
        1 => {}
        0 if request.version() < Version::HTTP_11 => {}
        0 => return bad_request("the Host header is missing"),
        _ => return bad_request("there are several Host headers, expected one"),
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    if has_two_lengths(head) {
        return bad_request("there are both Content-Length and Transfer-Encoding, expected one");
    }
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        let detail = "found another Transfer-Encoding than chunked, expected that and no other";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, detail));
    }
    Ok(())
}

/// Whether a head has both headers that say where its body ends. hyper forgets the one it does not go
/// by, so only the bytes tell. They may hold several heads, and bodies; an empty line ends a head.
fn has_two_lengths(heads: &[u8]) -> bool {
    let (mut length, mut encoding) = (false, false);
    for line in heads.split(|&byte| byte == b'\n') {
        match line.split(|&byte| byte == b':').next() {
            None | Some(b"" | b"\r") => (length, encoding) = (false, false),
            Some(name) => {
                length |= name.eq_ignore_ascii_case(b"content-length");
                encoding |= name.eq_ignore_ascii_case(b"transfer-encoding");
            }
        }
        if length && encoding {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lengths_are_seen_in_any_order_case_and_line_end_but_not_across_heads() {
        for conflict in [
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTRANSFER-encoding: chunked\r\ncontent-length:5\r\n\r\n5\r\n",
            "POST / HTTP/1.1\ntransfer-encoding: chunked\ncontent-length: 5\n\n",
        ] {
            assert!(has_two_lengths(conflict.as_bytes()), "{conflict}");
        }
        for good in [
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /?content-length:transfer-encoding: HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(!has_two_lengths(good.as_bytes()), "{good}");
        }
    }
}
