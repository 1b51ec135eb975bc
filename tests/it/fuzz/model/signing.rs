//! A second, simpler search for the dates of signed URLs: it splits the text into parameters.

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
    let date = match name {
        "X-Amz-Date" | "X-Goog-Date" | "se" => {
            let value = value.replace("%3A", "").replace("%3a", "");
            let value = value.replace(['-', ':'], "");
            let (day, time) = value.split_at_checked(8)?;
            let time = match time.len() {
                0 => "000000".to_owned(),
                6 => time.strip_prefix('T')?.strip_suffix('Z')?.to_owned() + "00",
                8 => time.strip_prefix('T')?.strip_suffix('Z')?.to_owned(),
                _ => return None,
            };
            let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
            let date = format!("{day} {time} +0000");
            let date = (is_number(day) && is_number(&time)).then_some(date)?;
            // strptime reads second 60 as second 59.
            let date = (!time.ends_with("60")).then_some(date)?;
            jiff::Timestamp::strptime("%Y%m%d %H%M%S %z", date)
        }
        "Expires" if value.chars().all(|c| c.is_ascii_digit()) => {
            jiff::Timestamp::from_second(value.parse().ok()?)
        }
        _ => return None,
    };
    date.ok().map(jiff::Timestamp::as_millisecond)
}
