//! The HTTP client of the program's own commands: the health check and the simulator.

use std::{
    error::Error,
    fmt, io, iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time;

/// Sends requests over plain HTTP, each on a new connection.
#[derive(Debug)]
pub struct Client {
    http: legacy::Client<HttpConnector, Body>,
    timeout: Duration,
}

/// Why a request failed.
#[derive(Debug, Clone)]
pub enum RequestError {
    /// There was no response within this time.
    Timeout(Duration),
    /// Nothing listens at the address.
    ConnectionRefused,
    /// There was no response for another reason, such as an unknown host.
    NoResponse(String),
    /// The response has a status other than 2xx. Redirects are not followed.
    Status(StatusCode),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(timeout) => write!(f, "no response within {timeout:?}"),
            Self::ConnectionRefused => f.write_str("Connection refused"),
            Self::NoResponse(cause) => f.write_str(cause),
            Self::Status(status) => write!(f, "the response was {status}"),
        }
    }
}

impl Error for RequestError {}

impl Client {
    /// A client that waits at most `timeout` for each response.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        Self { http, timeout }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no response with a status of 2xx.
    pub async fn send(&self, request: Request<Body>) -> Result<(), RequestError> {
        match time::timeout(self.timeout, self.http.request(request)).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(RequestError::Status(response.status())),
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err(RequestError::Timeout(self.timeout)),
        }
    }
}

/// The innermost error says what went wrong; those around it only say where.
fn cause(error: &(dyn Error + 'static)) -> RequestError {
    let innermost = iter::successors(Some(error), |&error| error.source())
        .last()
        .unwrap_or(error);
    match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => RequestError::ConnectionRefused,
        _ => RequestError::NoResponse(innermost.to_string()),
    }
}

/// The address at which this machine reaches a service that listens on `listen`: loopback if that is all
/// interfaces.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        // The service serves IPv4 where there is no IPv6.
        IpAddr::V6(ip) if ip.is_unspecified() && has_ipv6() => Ipv6Addr::LOCALHOST.into(),
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether this machine has a loopback address of IPv6.
fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_request_without_a_response_says_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let send = async |timeout| {
            let request = Request::get(&url).body(Body::empty()).unwrap();
            Client::new(timeout).send(request).await
        };
        let unanswered = send(Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(unanswered.to_string(), "no response within 1ms");
        drop(listener);
        let refused = send(Duration::from_mins(1)).await.unwrap_err();
        assert_eq!(refused.to_string(), "Connection refused");
    }
}
