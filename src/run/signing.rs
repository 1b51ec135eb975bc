//! When the URLs in an output were signed, as far as they tell.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use jiff::{civil::Date, tz::Offset};
use memchr::memchr_iter;
use percent_encoding::percent_decode_str;

use super::Timestamp;

/// The latest date in the signed URLs of this JSON: when one was signed, or when it expires. A sender signs all of its
/// URLs in one way, so that the later date is that of the fresher URL.
///
/// It looks at the text at each `=`, and decodes nothing else.
pub(super) fn latest_date(json: &str) -> Option<Timestamp> {
    let equals_signs = memchr_iter(b'=', json.as_bytes());
    let dates = equals_signs.filter_map(|at| date_before_and_after(&json[..at], &json[at + 1..]));
    dates.max()
}

/// The date in a parameter of a query: its name is at the end of `before`, its value at the beginning of `after`.
fn date_before_and_after(before: &str, after: &str) -> Option<Timestamp> {
    let named = |name| before.strip_suffix(name);
    let (before, read): (_, fn(&str) -> Option<Timestamp>) = match before.as_bytes().last()? {
        // The two of Amazon and Google; Azure says when the URL expires.
        b'e' => {
            let dates = [named("X-Amz-Date"), named("X-Goog-Date"), named("se")];
            (dates.into_iter().flatten().next()?, date)
        }
        // CloudFront, and the older ways of Amazon and Google.
        b's' => (named("Expires")?, epoch),
        // CloudFront with a custom policy.
        b'y' => (named("Policy")?, policy),
        _ => return None,
    };
    // JSON may escape what separates parameters.
    let separators = ["?", "&", r"\u0026", r"\u003f", r"\u003F"];
    if !separators
        .iter()
        .any(|separator| before.ends_with(separator))
    {
        return None;
    }
    let is_other = |c: char| !c.is_ascii_alphanumeric() && !"%:.+-_~".contains(c);
    read(after.split(is_other).next()?)
}

/// A time in RFC 3339 or ISO 8601 (with or without hyphens and colons), or a day.
fn date(value: &str) -> Option<Timestamp> {
    let value = percent_decode_str(value).decode_utf8().ok()?;
    let midnight = |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0));
    let time = match value.len() {
        10 => Date::strptime("%Y-%m-%d", &*value).and_then(midnight),
        _ => value.parse(),
    };
    time.ok().map(Timestamp::from)
}

/// Seconds since 1970.
fn epoch(value: &str) -> Option<Timestamp> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = value.parse().ok().filter(|_| is_number)?;
    Timestamp::from_millis(seconds.checked_mul(1_000)?)
}

/// The latest time in a policy, which is JSON in base64 with `-`, `_` and `~` for `+`, `=` and `/`.
fn policy(value: &str) -> Option<Timestamp> {
    let base64 = value
        .trim_end_matches('_')
        .replace('-', "+")
        .replace('~', "/");
    let json = String::from_utf8(BASE64_STANDARD_NO_PAD.decode(base64).ok()?).ok()?;
    let times = json.split(r#""AWS:EpochTime":"#).skip(1);
    let times = times.filter_map(|rest| {
        epoch(
            rest.trim_start()
                .split(|c: char| !c.is_ascii_digit())
                .next()?,
        )
    });
    times.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> Option<String> {
        latest_date(json).map(|date| date.to_string())
    }

    #[test]
    fn a_date_is_found_in_every_way_to_sign() {
        let policy = "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiKiIsIkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc3MjM3MDAwMH19fV19";
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
            &format!("?Policy={policy}&Signature=x"),
            &format!("?Policy={policy}__"),
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
            "?Policy=",
            "?Policy=e30",
            "?Policy=€",
        ] {
            assert_eq!(shown(json), None, "{json}");
        }
    }
}
