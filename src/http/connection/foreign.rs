//! Recognises clients that do not speak HTTP/1.1: hyper answers them with 400 at most, which helps nobody to find out.

use std::net::SocketAddr;

use tracing::{field::display, warn};

use crate::telemetry::LogRateLimit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    Tls,
    Http2,
    Proxy,
}

impl Foreign {
    /// The protocol of a connection that begins with these bytes, if it is known and not HTTP/1.1.
    fn recognise(start: &[u8]) -> Option<Self> {
        const STARTS: [(&[u8], Foreign); 5] = [
            (&[0x16, 0x03], Foreign::Tls),
            (b"PRI * HTTP/2.0\r\n", Foreign::Http2),
            (b"PROXY TCP", Foreign::Proxy),
            (b"PROXY UNKNOWN", Foreign::Proxy),
            (b"\r\n\r\n\0\r\nQUIT\n", Foreign::Proxy),
        ];
        let found = STARTS.iter().find(|(known, _)| start.starts_with(known));
        found.map(|&(_, foreign)| foreign)
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Tls => {
                "a client spoke TLS to this port, which takes plain HTTP: use http://, or put a proxy with TLS in front"
            }
            Self::Http2 => {
                "a client spoke HTTP/2 to this port, which takes HTTP/1.1: let the proxy in front use HTTP/1.1"
            }
            Self::Proxy => {
                "a load balancer sent the PROXY protocol to this port, which takes plain HTTP: turn that off there"
            }
        }
    }
}

/// Log lines about such clients: one a minute for each protocol, so that a port scan hides no other mistake.
#[derive(Debug)]
pub(super) struct ForeignLog {
    tls: LogRateLimit,
    http2: LogRateLimit,
    proxy: LogRateLimit,
}

impl ForeignLog {
    pub(super) fn new() -> Self {
        let [tls, http2, proxy] = [(); 3].map(|()| LogRateLimit::one_a_minute());
        Self { tls, http2, proxy }
    }

    /// Says so if a connection, of which these are the first bytes, speaks another protocol.
    pub(super) fn look_at(&self, start: &[u8], client: impl FnOnce() -> Option<SocketAddr>) {
        let Some(foreign) = Foreign::recognise(start) else {
            return;
        };
        let log = match foreign {
            Foreign::Tls => &self.tls,
            Foreign::Http2 => &self.http2,
            Foreign::Proxy => &self.proxy,
        };
        log.line(|suppressed| {
            let client = client().map(display);
            warn!(client, suppressed, "{}", foreign.advice());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_recognised_by_their_first_bytes_and_http_is_none_of_them() {
        for (start, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Some(Foreign::Tls)),
            (
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0",
                Some(Foreign::Http2),
            ),
            (
                b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                Some(Foreign::Proxy),
            ),
            (b"PROXY UNKNOWN\r\n", Some(Foreign::Proxy)),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11", Some(Foreign::Proxy)),
            (b"PROXY /a HTTP/1.1\r\n", None),
            (b"PRI", None),
            (b"\r\nGET / HTTP/1.1\r\n", None),
            (b"POST /api/webhooks/run-update HTTP/1.1\r\n", None),
            (b"", None),
        ] {
            assert_eq!(Foreign::recognise(start), expected, "{start:?}");
        }
    }
}
