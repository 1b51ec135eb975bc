//! The health check: asks a running service whether it is ready, for images without a shell.

use std::{error::Error, fmt, net::SocketAddr, time::Duration};

use axum::{body::Body, http::StatusCode};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::timeout;

use crate::{
    http::READY_PATH,
    net::{reachable, root_cause},
};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the service is not known to be ready.
#[derive(Debug)]
pub enum Unhealthy {
    /// It did not answer in time.
    Silent,
    /// It could not be asked.
    Unreachable(hyper_util::client::legacy::Error),
    /// It said no.
    NotReady(StatusCode),
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => write!(f, "no answer within {PATIENCE:?}"),
            Self::Unreachable(error) => write!(f, "cannot ask: {}", root_cause(error)),
            Self::NotReady(status) => write!(f, "not ready: it answered {status}"),
        }
    }
}

impl Error for Unhealthy {}

/// Asks the service that listens on `listen`.
///
/// # Errors
/// When it does not say that it is ready.
pub async fn ask(listen: SocketAddr) -> Result<(), Unhealthy> {
    let url = format!("http://{}{READY_PATH}", reachable(listen))
        .parse()
        .expect("an address and a fixed path make a URL");
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response = timeout(PATIENCE, client.get(url))
        .await
        .map_err(|_| Unhealthy::Silent)?
        .map_err(Unhealthy::Unreachable)?;
    match response.status() {
        StatusCode::OK => Ok(()),
        status => Err(Unhealthy::NotReady(status)),
    }
}
