//! When the URLs in an output were signed, as far as they tell.

use jiff::{Timestamp, tz::Offset};
use memchr::memchr_iter;

/// Digits of a date: year, month, day, hours, minutes and seconds.
const DIGITS: u32 = 14;

/// The parameters of signed URLs that hold a date, and how to read them. Amazon and Google say when the URL was signed;
/// Azure, and CloudFront and the older ways of the other two, when it expires.
const PARAMETERS: [(&str, ReadDate); 4] = [
    ("X-Amz-Date", date),
    ("X-Goog-Date", date),
    ("se", date),
    ("Expires", epoch),
];

/// Reads the date at the beginning of a text.
type ReadDate = fn(&str) -> Option<u64>;

/// What is before a parameter: as it is, or as JSON may escape it.
const SEPARATORS: [&str; 5] = ["?", "&", r"\u0026", r"\u003f", r"\u003F"];

/// The latest date in the signed URLs of this JSON, as a number such as 20260301134500. A sender signs all of its URLs in
/// one way, so the later date is that of the fresher URL.
pub(super) fn latest_date(json: &str) -> Option<u64> {
    let equals_signs = memchr_iter(b'=', json.as_bytes());
    let dates = equals_signs.filter_map(|at| date_in_parameter(&json[..at], &json[at + 1..]));
    dates.max()
}

/// The date in a parameter. `before` ends with its name, `after` begins with its value.
fn date_in_parameter(before: &str, after: &str) -> Option<u64> {
    let mut parameters = PARAMETERS.iter();
    let (before, read) =
        parameters.find_map(|(name, read)| Some((before.strip_suffix(name)?, read)))?;
    let is_parameter = SEPARATORS
        .iter()
        .any(|separator| before.ends_with(separator));
    is_parameter.then(|| read(after)).flatten()
}

/// Reads a date in UTC, such as `20260301T130000Z`, `2026-03-01T13%3A00Z` or `2026-03-01`.
fn date(value: &str) -> Option<u64> {
    let (mut number, mut digits) = (0, 0);
    let mut rest = value.as_bytes();
    while digits < DIGITS {
        rest = match rest {
            [digit @ b'0'..=b'9', rest @ ..] => {
                number = number * 10 + u64::from(digit - b'0');
                digits += 1;
                rest
            }
            [b'-' | b':' | b'T', rest @ ..] | [b'%', b'3', b'A' | b'a', rest @ ..] => rest,
            _ => break,
        };
    }
    let is_date = digits >= 8;
    is_date.then(|| number * 10_u64.pow(DIGITS - digits))
}

/// Reads a number of seconds since 1970.
fn epoch(value: &str) -> Option<u64> {
    let end = value.find(|c: char| !c.is_ascii_digit());
    let seconds = value[..end.unwrap_or(value.len())].parse().ok()?;
    let time = Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?);
    let parts = [
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ];
    let number: i64 = parts
        .map(i64::from)
        .into_iter()
        .fold(time.year().into(), |all, part| all * 100 + part);
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> Option<String> {
        latest_date(json).map(|date| date.to_string())
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
            assert_eq!(shown(&json).as_deref(), Some("20260301130000"), "{query}");
        }
        let day = shown(r#"["?se=2026-03-01"]"#);
        assert_eq!(day.as_deref(), Some("20260301000000"));
    }

    #[test]
    fn of_several_dates_the_latest_counts() {
        let urls =
            r#"["a?Expires=1","b?X-Amz-Date=20260301T130000Z&X","c?Expires=1772371201","d?se=x"]"#;
        assert_eq!(shown(urls).as_deref(), Some("20260301132001"));
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
            "?X-Amz-Date=soon",
            "?X-Amz-Date=2026030",
            "?Expires=",
            "?Expires=-1",
            "?Expires=+1",
            "?Expires=99999999999999999999",
            "?Expires=9999999999999",
            "?Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            "?se=%ff",
            "==se=20260301T130000Z",
            "?se=€",
        ] {
            assert_eq!(latest_date(json), None, "{json}");
        }
    }
}
