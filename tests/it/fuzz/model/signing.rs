//! A second, simpler search for the dates of signed URLs: it splits the text into parameters.

use base64::{
    Engine as _,
    alphabet::Alphabet,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use percent_encoding::percent_decode_str;

/// The latest date in this JSON, in milliseconds.
pub(super) fn latest_date(json: &str) -> Option<i64> {
    let mut json = json.replace(r"\u0026", "&");
    for question_mark in [r"\u003f", r"\u003F"] {
        json = json.replace(question_mark, "?");
    }
    let parameters = json.split(['?', '&']).skip(1);
    parameters.filter_map(date).max()
}

fn date(parameter: &str) -> Option<i64> {
    let (name, rest) = parameter.split_once('=')?;
    let is_in_value = |c: &char| c.is_ascii_alphanumeric() || "%:+.-_~".contains(*c);
    let value: String = rest.chars().take_while(is_in_value).collect();
    match name {
        "X-Amz-Date" | "X-Goog-Date" | "se" => {
            let value = String::from_utf8(percent_decode_str(&value).collect()).ok()?;
            let time = if value.len() == 10 {
                let day = jiff::civil::Date::strptime("%Y-%m-%d", &value);
                day.and_then(|day| Ok(day.in_tz("UTC")?.timestamp()))
            } else {
                value.parse()
            };
            time.ok().map(jiff::Timestamp::as_millisecond)
        }
        "Expires" => seconds(&value),
        "Policy" => {
            let symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
            let engine = GeneralPurpose::new(&Alphabet::new(symbols).unwrap(), NO_PAD);
            let json = engine.decode(value.trim_end_matches('_')).ok()?;
            let json = String::from_utf8(json).ok()?;
            let times = json.match_indices(r#""AWS:EpochTime":"#);
            let times = times.filter_map(|(at, name)| {
                let digits = json[at + name.len()..].trim_start().chars();
                seconds(&digits.take_while(char::is_ascii_digit).collect::<String>())
            });
            times.max()
        }
        _ => None,
    }
}

fn seconds(digits: &str) -> Option<i64> {
    let is_number = digits.chars().all(|c| c.is_ascii_digit());
    let seconds = digits.parse().ok().filter(|_| is_number)?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.as_millisecond())
}
