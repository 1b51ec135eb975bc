//! Opening the port: errors that say what else to try, and IPv4 where there is no IPv6.

use std::{
    error::Error,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::TcpListener;
use tracing::info;

/// Why nothing can listen on an address.
#[derive(Debug)]
pub struct ListenError {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        write!(f, "cannot listen on {address}: {error}")?;
        let with_port = |port| SocketAddr::new(address.ip(), port);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                let other = with_port(address.port().checked_add(1).unwrap_or(8080));
                write!(f, "; try another port: --listen {other}")
            }
            io::ErrorKind::PermissionDenied if address.port() < 1024 => {
                let other = with_port(8080);
                write!(
                    f,
                    "; a port below 1024 needs privileges, try --listen {other}"
                )
            }
            io::ErrorKind::AddrNotAvailable => {
                let port = address.port();
                write!(
                    f,
                    "; this machine does not have this address, try --listen 127.0.0.1:{port}, or "
                )?;
                write!(f, "--listen :{port} for all interfaces")
            }
            _ => Ok(()),
        }
    }
}

impl Error for ListenError {}

/// Listens on `address`. If that is all interfaces of IPv6 and this machine has no IPv6, on all of IPv4.
///
/// # Errors
/// When the operating system does not allow it.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind_with(address, TcpListener::bind).await
}

async fn bind_with<T>(
    address: SocketAddr,
    bind: impl AsyncFn(SocketAddr) -> io::Result<T>,
) -> Result<T, ListenError> {
    let error = match bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    // Systems without IPv6 do not agree on the error. These two have another cause.
    let has_ipv6 = matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    );
    if address.is_ipv6() && address.ip().is_unspecified() && !has_ipv6 {
        let ipv4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        if let Ok(listener) = bind(ipv4).await {
            info!(%error, "no IPv6: listening on {ipv4} instead of {address}");
            return Ok(listener);
        }
    }
    Err(ListenError { address, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What listens where, on a machine on which some addresses fail.
    async fn bound(address: &str, fails: fn(SocketAddr) -> Option<io::Error>) -> String {
        let bind = async |address| fails(address).map_or(Ok(address), Err);
        match bind_with(address.parse().unwrap(), bind).await {
            Ok(address) => address.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn all_interfaces_are_those_of_ipv4_where_there_is_no_ipv6() {
        let no_ipv6 = |address: SocketAddr| {
            let unsupported = || io::Error::other("Address family not supported by protocol");
            address.is_ipv6().then(unsupported)
        };
        assert_eq!(bound("[::]:80", no_ipv6).await, "0.0.0.0:80");
        assert_eq!(bound("0.0.0.0:80", no_ipv6).await, "0.0.0.0:80");
        // One that is given is not replaced by another.
        assert_eq!(
            bound("[::1]:80", no_ipv6).await,
            "cannot listen on [::1]:80: Address family not supported by protocol"
        );
        assert_eq!(bound("[::]:80", |_| None).await, "[::]:80");
        let in_use = |address: SocketAddr| {
            let in_use = || io::Error::from(io::ErrorKind::AddrInUse);
            address.is_ipv6().then(in_use)
        };
        let error = bound("[::]:80", in_use).await;
        assert!(
            error.ends_with("; try another port: --listen [::]:81"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn an_error_says_what_else_to_try() {
        let denied = bound("0.0.0.0:80", |_| {
            Some(io::ErrorKind::PermissionDenied.into())
        })
        .await;
        let hint = "; a port below 1024 needs privileges, try --listen 0.0.0.0:8080";
        assert!(denied.ends_with(hint), "{denied}");
        let last = bound("127.0.0.1:65535", |_| Some(io::ErrorKind::AddrInUse.into())).await;
        assert!(last.ends_with(" --listen 127.0.0.1:8080"), "{last}");
    }
}
