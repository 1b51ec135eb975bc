//! What the program's own clients share: the health check and the simulator ask over plain HTTP.

use std::{
    error::Error,
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Where a service that listens on `listen` is reached from its own machine: one that listens on all
/// interfaces is asked over loopback.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// What a failure comes down to, such as `Connection refused`, without the layers around it.
#[must_use]
pub fn root_cause(error: &dyn Error) -> String {
    iter::successors(Some(error), |&error| error.source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}
