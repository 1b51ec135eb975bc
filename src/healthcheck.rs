//! The health check: asks a running service whether it is ready, for images without a shell.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, http::Request};

use crate::{
    http::READY_PATH,
    net::{Client, RequestError, reachable},
};

const TIMEOUT: Duration = Duration::from_secs(2);

/// Checks that the service that listens on `listen` is ready.
///
/// # Errors
/// When it does not respond that it is.
pub async fn check(listen: SocketAddr) -> Result<(), RequestError> {
    let request = Request::get(format!("http://{}{READY_PATH}", reachable(listen)))
        .body(Body::empty())
        .expect("an address and a fixed path make a URL");
    Client::new(TIMEOUT).send(request).await
}
