//! What HTTP/1.1 asks of every request and hyper leaves to the server (RFC 9112, sections 3.2 and 6.1).

use axum::{
    extract::Request,
    http::{HeaderMap, Version, header},
};

use crate::http::problem::Problem;

pub(super) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let headers = request.headers();
    check_host(headers, request.version())?;
    check_transfer_coding(headers)
}

fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Problem> {
    match headers.get_all(header::HOST).iter().count() {
        1 => Ok(()),
        0 if version < Version::HTTP_11 => Ok(()),
        0 => Err(Problem::NoHost),
        _ => Err(Problem::SeveralHosts),
    }
}

/// hyper reads a body that is `gzip, chunked` as if it were `chunked` alone.
fn check_transfer_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Problem::TransferCoding),
    }
}
