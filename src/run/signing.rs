//! When the URLs in an output were signed, as far as they tell.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use memchr::memchr;

use super::{Timestamp, glance::Glance};

/// The latest date in the signed URLs of this JSON: when one was signed, or when it expires. A sender signs all of its
/// URLs in one way, so that the later date is that of the fresher URL.
pub(super) fn latest_date(json: &str, glance: Glance) -> Option<Timestamp> {
    /// Bytes between two `=` that matter, at least: `&se`.
    const PARAMETER: usize = 3;

    if !glance.has_backslash_or_equals_sign {
        return None;
    }
    let json = json.as_bytes();
    let (mut latest, mut from) = (None, 0);
    while let Some(rest) = json.get(from..)
        && let Some(next) = memchr(b'=', rest)
    {
        let name = &json[..from + next];
        let value = &rest[next + 1..];
        latest = latest.max(date(name, value));
        from += next + 1 + PARAMETER;
    }
    latest
}

type Read = fn(&[u8]) -> Option<Timestamp>;

/// The date in the parameter of a query whose name is the end of `name`, and whose value is the beginning of `value`.
fn date(name: &[u8], value: &[u8]) -> Option<Timestamp> {
    let named = |known: &[u8]| name.strip_suffix(known);
    let (before, read): (_, Read) = match name.last()? {
        // The two of Amazon and Google. Azure says when the URL expires.
        b'e' => {
            let signed = named(b"X-Amz-Date").or_else(|| named(b"X-Goog-Date"));
            (signed.or_else(|| named(b"se"))?, time)
        }
        // CloudFront, and the older ways of Amazon and Google.
        b's' => (named(b"Expires")?, epoch),
        _ => return None,
    };
    let is_separated = match before.last()? {
        b'?' | b'&' => true,
        // As JSON may escape them.
        _ => [br"\u0026", br"\u003f", br"\u003F"]
            .iter()
            .any(|escape| before.ends_with(*escape)),
    };
    if !is_separated {
        return None;
    }
    let is_value = |byte: &&u8| byte.is_ascii_alphanumeric() || b"%:+.-_~".contains(byte);
    let length = value.iter().take_while(is_value).count();
    read(&value[..length])
}

/// A time in UTC or a day, with or without hyphens and colons: `20260301T130000Z`, `2026-03-01T13%3A00Z`, `2026-03-01`.
fn time(value: &[u8]) -> Option<Timestamp> {
    let (mut compact, mut length, mut rest) = ([b'0'; 16], 0, value);
    while let [first, others @ ..] = rest {
        rest = match rest {
            [b'-' | b':', others @ ..] | [b'%', b'3', b'A' | b'a', others @ ..] => others,
            _ => {
                *compact.get_mut(length)? = *first;
                length += 1;
                others
            }
        };
    }
    match (length, &mut compact) {
        (8, _) => {}
        (14, [.., b'T', _, _, _, _, zone @ b'Z', _, _])
        | (16, [.., b'T', _, _, _, _, _, _, zone @ b'Z']) => *zone = b'0',
        _ => return None,
    }
    let date = Date::new(
        number(&compact[..4])?,
        number(&compact[4..6])?,
        number(&compact[6..8])?,
    );
    let time = Time::new(
        number(&compact[9..11])?,
        number(&compact[11..13])?,
        number(&compact[13..15])?,
        0,
    );
    let time = DateTime::from_parts(date.ok()?, time.ok()?);
    Some(Offset::UTC.to_timestamp(time).ok()?.into())
}

/// Seconds since 1970.
fn epoch(value: &[u8]) -> Option<Timestamp> {
    Timestamp::from_millis(number::<i64>(value)?.checked_mul(1_000)?)
}

fn number<N: TryFrom<i64>>(digits: &[u8]) -> Option<N> {
    let add = |number: i64, byte: &u8| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    let number = digits
        .iter()
        .try_fold(0, add)
        .filter(|_| !digits.is_empty());
    number?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> Option<String> {
        latest_date(json, Glance::at(json)).map(|date| date.to_string())
    }

    #[test]
    fn a_date_is_found_in_every_way_to_sign() {
        for query in [
            "?X-Amz-Date=20260301T130000Z&X-Amz-Expires=3600",
            "?X-Goog-Date=20260301T130000Z",
            "?Expires=1772370000&Signature=x",
            "?AWSAccessKeyId=x&Expires=1772370000",
            "?sv=2024-11-04&se=2026-03-01T13%3A00%3A00Z&sr=b",
            "?se=2026-03-01T13:00Z",
            r"?sv=x\u0026se=2026-03-01T13:00:00Z\u0026sr=b",
            r"\u003fse=2026-03-01T13:00:00Z",
            r"\u003Fse=2026-03-01T13:00:00Z",
            "?a=se&se=2026-03-01T13%3a00%3A00Z",
            "?Expires=1772370000&se=2026-03-01",
        ] {
            let json = format!(r#"{{"url":"https://host/a.png{query}"}}"#);
            let expected = Some("2026-03-01T13:00:00.000Z");
            assert_eq!(shown(&json).as_deref(), expected, "{query}");
        }
        let day = shown(r#"["?se=2026-03-01"]"#);
        assert_eq!(day.as_deref(), Some("2026-03-01T00:00:00.000Z"));
    }

    #[test]
    fn of_several_dates_the_latest_counts() {
        let urls =
            r#"["a?Expires=1","b?X-Amz-Date=20260301T130000Z&X","c?Expires=1772370001","d?se=x"]"#;
        assert_eq!(shown(urls).as_deref(), Some("2026-03-01T13:00:01.000Z"));
    }

    #[test]
    fn what_is_no_date_or_no_whole_parameter_is_none() {
        for json in [
            "{}",
            "=",
            "se=2026-03-01",
            "X-Amz-Date=20260301T130000Z",
            "?notX-Amz-Date=20260301T130000Z",
            "?X-Amz-Expires=1772370000",
            "?response=2026-03-01",
            "?x-amz-date=20260301T130000Z",
            "?X-Amz-Date=",
            "?X-Amz-Date=20260231T130000Z",
            "?X-Amz-Date=20260301T130000Zx",
            "?X-Amz-Date=20260301T130000",
            "?Expires=",
            "?Expires=-1",
            "?Expires=+1",
            "?Expires=1e9",
            "?Expires=99999999999999999999",
            "?Expires=9999999999999",
            "?Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            "?se=2026-03-01T25:00Z",
            "?se=%ff",
            "?se=2026-03-01T13:00:00.5Z",
            "?se=2026-03-01T13:00:00+00:00",
            "?se=2026-03-01%2013:00Z",
            "==se=20260301T130000Z",
            "?se=€",
        ] {
            assert_eq!(shown(json), None, "{json}");
        }
    }
}
