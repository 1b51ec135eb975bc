//! The hosts that requests name, and which of them no stranger can own.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use smol_str::{SmolStr, StrExt as _};

/// Characters of a name in DNS, at most.
const MAX_NAME: usize = 253;

/// The host of a URL or of a Host header. The port is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An IP address, which no name in DNS can be taken for.
    Address,
    /// Anything else.
    Name(HostName),
}

/// A name in lower case, without the dot that may be at its end. Its characters are safe in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(SmolStr);

/// That a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoHost;

/// A value of `--allow-host`: where everyone may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHost {
    /// `*`
    Any,
    /// This one.
    One(Host),
}

impl Host {
    /// Whether a public DNS server cannot give it to a stranger.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Address => true,
            Self::Name(name) => name.is_local(),
        }
    }
}

impl FromStr for Host {
    type Err = NoHost;

    /// Parses a host with or without a port.
    fn from_str(text: &str) -> Result<Self, NoHost> {
        let end_of_host = text.find(']').map_or(0, |at| at + 1);
        let colon = text[end_of_host..].find(':').map(|at| end_of_host + at);
        let (host, port) = text.split_at(colon.unwrap_or(text.len()));
        if port.bytes().skip(1).any(|byte| !byte.is_ascii_digit()) {
            return Err(NoHost);
        }
        let ipv6 = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        // Some clients add a zone, which is the name of an interface of theirs.
        let without_zone = |ipv6: &str| ipv6.split('%').next().map(str::parse::<Ipv6Addr>);
        match ipv6.and_then(without_zone) {
            Some(Ok(_)) => Ok(Self::Address),
            Some(Err(_)) => Err(NoHost),
            None if host.parse::<Ipv4Addr>().is_ok() => Ok(Self::Address),
            None => HostName::parse(host).map(Self::Name),
        }
    }
}

impl HostName {
    /// Whether a public DNS server cannot give it to a stranger.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let end = self.0.rsplit_once('.').map(|(_, end)| end);
        end.is_none_or(|end| matches!(end, "localhost" | "local" | "internal"))
    }

    fn parse(text: &str) -> Result<Self, NoHost> {
        let name = text.strip_suffix('.').unwrap_or(text);
        // Underscores are in names of containers.
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_valid = name.len() <= MAX_NAME
            && name
                .split('.')
                .all(|label| !label.is_empty() && label.bytes().all(is_usual));
        is_valid
            .then(|| Self(name.to_ascii_lowercase_smolstr()))
            .ok_or(NoHost)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AllowedHost {
    /// Whether it allows `host`.
    #[must_use]
    pub fn allows(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::One(allowed) => allowed == host,
        }
    }
}

impl FromStr for AllowedHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text {
            "*" => Ok(Self::Any),
            _ if text.starts_with("*.") => {
                Err("expected the whole name of each host, or * alone for all")
            }
            _ => text.parse().map(Self::One).map_err(|NoHost| {
                "expected a host such as runs.example.com, without a scheme and a path, or * for all"
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_local(text: &str) -> Option<bool> {
        text.parse::<Host>().ok().map(|host| host.is_local())
    }

    #[test]
    fn addresses_and_names_that_no_stranger_can_own_are_local() {
        for text in [
            "127.0.0.1:8080",
            "192.0.2.1",
            "[::1]:8080",
            "[::]",
            "[fe80::1%25eth0]:80",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LocalHost:3000",
            "localhost.",
            "localhost:",
            "app.localhost:80",
            "comfy_webhook:8080",
            "comfy-webhook",
            "nas.local.",
            "host.docker.internal",
            "webhook.railway.INTERNAL",
            // Browsers take this for 127.0.0.1 and send that; in DNS it could only be a top-level domain.
            "2130706433",
        ] {
            assert_eq!(is_local(text), Some(true), "{text}");
        }
    }

    #[test]
    fn names_that_a_stranger_may_own_are_not_local() {
        for text in [
            "runs.example.com",
            "127.0.0.1.evil.com",
            "localhost.evil.com:8080",
            "evil.com.",
            "local.evil",
            "notlocal.com",
            "x.notlocalhost",
            "xn--bcher-kva.example",
            // Browsers take these for 127.0.0.1 and send that. They are no addresses in a Host header.
            "0x7f.1",
            "127.1",
            "127.0.0.01",
        ] {
            assert_eq!(is_local(text), Some(false), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in [
            "",
            ".",
            ":80",
            "..",
            "a..local",
            ".local",
            "user@localhost",
            "user:password@localhost",
            "localhost:80:80",
            "localhost:http",
            "localhost:-1",
            "localhost/",
            "http://localhost",
            "local host",
            "b\u{fc}cher.local",
            "evil.com%00.local",
            "[::1",
            "::1]",
            "x[::1]",
            "[::1]:80:80",
            "[::1]80",
            "[::1]:x",
            "[localhost]",
            "::1",
            &format!("{}.local", "a".repeat(MAX_NAME)),
        ] {
            assert_eq!(is_local(text), None, "{text}");
        }
    }

    #[test]
    fn an_allowed_host_is_one_name_in_any_case_and_at_any_port_or_all() {
        let request: Host = "Runs.example.com.:8443".parse().unwrap();
        for (text, allows) in [
            ("runs.example.com", true),
            ("RUNS.EXAMPLE.COM.:443", true),
            (" runs.example.com", true),
            ("*", true),
            ("example.com", false),
            ("x.runs.example.com", false),
            ("192.0.2.1", false),
        ] {
            let allowed: AllowedHost = text.parse().unwrap();
            assert_eq!(allowed.allows(&request), allows, "{text}");
        }
        for text in ["https://x.example", "x.example/y", "", "a b"] {
            let error = text.parse::<AllowedHost>().unwrap_err();
            assert!(error.starts_with("expected a host such as"), "{text}");
        }
        let error = "*.example.com".parse::<AllowedHost>().unwrap_err();
        assert!(error.starts_with("expected the whole name"), "{error}");
    }
}
