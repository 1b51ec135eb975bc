//! Parsers for the values of flags. Each error says what is expected.

use std::{ops::RangeInclusive, time::Duration};

use bytesize::ByteSize;
use jiff::{SignedDuration, Span, SpanRelativeTo};

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const TEN_YEARS: Duration = Duration::from_hours(24 * 3650);

pub(crate) fn size(text: &str, accepted: RangeInclusive<u64>) -> Result<usize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "expected a number of bytes, or a size such as 4MiB".to_owned())?;
    usize::try_from(size.as_u64())
        .ok()
        .filter(|_| accepted.contains(&size.as_u64()))
        .ok_or_else(|| {
            let (least, most) = (ByteSize::b(*accepted.start()), ByteSize::b(*accepted.end()));
            format!("expected a size from {least} to {most}")
        })
}

pub(crate) fn time(text: &str, accepted: RangeInclusive<Duration>) -> Result<Duration, String> {
    // The only time that needs no unit.
    let text = if text == "0" { "0s" } else { text };
    let span: Span = text
        .parse()
        .map_err(|_| "expected a time such as 10s, 1h 30m or 7d".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .and_then(Duration::try_from)
        .ok()
        .filter(|time| accepted.contains(time))
        .ok_or_else(|| {
            let shown = |time| {
                SignedDuration::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:#}"))
            };
            format!(
                "expected a time from {} to {}",
                shown(*accepted.start()),
                shown(*accepted.end())
            )
        })
}

pub(crate) fn number(text: &str, accepted: RangeInclusive<usize>) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if accepted.contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a whole number from {} to {}",
            accepted.start(),
            accepted.end()
        )),
    }
}

/// An origin as browsers send it: in lower case, without a path and without the default port.
pub(crate) fn origin(text: &str) -> Result<String, &'static str> {
    let consists_of = |text: &str, others: &[u8]| {
        let mut bytes = text.bytes();
        !text.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
    };
    let origin = text.trim().to_ascii_lowercase();
    match origin.split_once("://") {
        Some((scheme, host)) if consists_of(scheme, b"+-.") && consists_of(host, b"-._:[]") => {
            let default_port = match scheme {
                "http" => ":80",
                "https" => ":443",
                _ => "",
            };
            Ok(origin
                .strip_suffix(default_port)
                .unwrap_or(&origin)
                .to_owned())
        }
        None if origin == "*" => Ok(origin),
        _ => Err("expected an origin such as https://app.example.com, without a path, or *"),
    }
}

pub(crate) fn factor(text: &str, accepted: RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if accepted.contains(&factor) => Ok(factor),
        _ => Err(format!(
            "expected a number from {} to {}",
            accepted.start(),
            accepted.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use bytesize::{GIB, KIB};

    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("4096", 4096),
            ("4KiB", 4096),
            ("4kb", 4000),
            ("1.5 KiB", 1536),
        ] {
            assert_eq!(size(text, KIB..=GIB), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "4 apples", "1", "2GiB", "99999999999999999999"] {
            assert!(size(text, KIB..=GIB).is_err(), "{text}");
        }
        assert_eq!(
            size("1", KIB..=GIB),
            Err("expected a size from 1.0 KiB to 1.0 GiB".to_owned())
        );
    }

    #[test]
    fn an_origin_has_a_scheme_and_a_host_and_nothing_else() {
        for (text, read) in [
            ("https://App.example.com", "https://app.example.com"),
            (" https://app.example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("https://localhost:80", "https://localhost:80"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("*", "*"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(read));
        }
        for text in [
            "",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://a@b",
            "https://*",
            "://x",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [
            ("10s", 10),
            ("7d", 7 * 86_400),
            ("1h 30m", 5_400),
            ("PT5S", 5),
        ] {
            assert_eq!(
                time(text, MILLISECOND..=TEN_YEARS),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        assert_eq!(time("0", Duration::ZERO..=HOUR), Ok(Duration::ZERO));
        for text in ["", "0", "10", "-10s", "10s ago", "0s", "1month", "forever"] {
            assert!(time(text, MILLISECOND..=HOUR).is_err(), "{text}");
        }
        assert_eq!(
            time("2h", MILLISECOND..=HOUR),
            Err("expected a time from 1ms to 1h".to_owned())
        );
    }
}
