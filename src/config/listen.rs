//! Where to listen: the value of `--listen`, and what `PORT` makes of it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

const DEFAULT_PORT: u16 = 8080;

/// A value of `--listen` or `LISTEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// `127.0.0.1:3000`, `[::]:3000`, `localhost:3000`, or `:3000`, which is all interfaces.
    Address(SocketAddr),
    /// `3000`: the default address with another port.
    Port(u16),
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected an address and a port such as 127.0.0.1:8080, [::]:8080 or :8080 (all \
                                interfaces), or a port such as 8080";
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let parse_port = |port| parse_port(port).map_err(|_| EXPECTED);
        let Some((host, port)) = text.rsplit_once(':') else {
            return parse_port(text).map(Self::Port);
        };
        let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic());
        let ip = if host.is_empty() {
            Ipv4Addr::UNSPECIFIED
        } else if host.eq_ignore_ascii_case("localhost") {
            // Not looked up: it has to mean this machine and nothing else.
            Ipv4Addr::LOCALHOST
        } else if is_name && !host.contains(['/', ':']) {
            return Err("expected an IP address or localhost: other host names are not looked up");
        } else {
            return Err(EXPECTED);
        };
        let port = parse_port(port)?;
        Ok(Self::Address(SocketAddr::new(ip.into(), port)))
    }
}

/// A port, in digits alone.
pub(super) fn parse_port(text: &str) -> Result<u16, &'static str> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or("expected a port from 0 to 65535")
}

/// The address to listen on. A platform that assigns a port by `PORT` reaches the service from outside, so the
/// default is all interfaces then.
pub(super) fn address(listen: Option<Listen>, platform_port: Option<u16>) -> SocketAddr {
    let default_ip = match platform_port {
        Some(_) => Ipv4Addr::UNSPECIFIED,
        None => Ipv4Addr::LOCALHOST,
    };
    let port = match listen {
        Some(Listen::Address(address)) => return address,
        Some(Listen::Port(port)) => port,
        None => platform_port.unwrap_or(DEFAULT_PORT),
    };
    SocketAddr::new(IpAddr::V4(default_ip), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_way_to_write_an_address_is_read() {
        for (text, without_port, with_port) in [
            ("127.0.0.1:3000", "127.0.0.1:3000", "127.0.0.1:3000"),
            ("[::]:3000", "[::]:3000", "[::]:3000"),
            (":3000", "0.0.0.0:3000", "0.0.0.0:3000"),
            ("localhost:3000", "127.0.0.1:3000", "127.0.0.1:3000"),
            ("LocalHost:0", "127.0.0.1:0", "127.0.0.1:0"),
            ("3000", "127.0.0.1:3000", "0.0.0.0:3000"),
        ] {
            let listen = Some(text.parse().unwrap());
            assert_eq!(address(listen, None).to_string(), without_port, "{text}");
            assert_eq!(address(listen, Some(9000)).to_string(), with_port, "{text}");
        }
        assert_eq!(address(None, None).to_string(), "127.0.0.1:8080");
        assert_eq!(address(None, Some(9000)).to_string(), "0.0.0.0:9000");
    }

    #[test]
    fn another_host_name_is_an_error_of_its_own() {
        for text in ["example.com:80", "0.0.0.0.example:80"] {
            let error = text.parse::<Listen>().unwrap_err();
            assert!(error.contains("host names are not looked up"), "{text}");
        }
        for text in [
            "",
            ":",
            "localhost",
            "localhost:",
            "127.0.0.1",
            "[::]",
            "::1:80",
            "256.0.0.1:80",
            "+80",
            ":-1",
            "65536",
            "localhost:65536",
            "http://localhost:80",
        ] {
            let error = text.parse::<Listen>().unwrap_err();
            assert!(
                error.starts_with("expected an address and a port"),
                "{text}"
            );
        }
    }
}
