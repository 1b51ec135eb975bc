//! The health check: asks a running service whether it is ready, for images without a shell.

use std::{
    error::Error,
    fmt, iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::{body::Body, http::StatusCode};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::timeout;

use crate::http::READY_PATH;

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
            Self::Unreachable(error) => {
                let causes = iter::successors(error.source(), |&cause| cause.source());
                let root = causes.last().map_or(error.to_string(), ToString::to_string);
                write!(f, "cannot ask: {root}")
            }
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
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let url = format!("http://{address}{READY_PATH}")
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

/// A service that listens on all interfaces is asked over loopback.
fn reachable(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
