//! A second, simpler search for the dates of signed URLs: it splits the text into parameters.

/// The latest date in this JSON, as its digits.
pub(super) fn latest_date(json: &str) -> Option<String> {
    let mut json = json.replace(r"\u0026", "&");
    for question_mark in [r"\u003f", r"\u003F"] {
        json = json.replace(question_mark, "?");
    }
    let parameters = json.split(['?', '&']).skip(1);
    parameters.filter_map(date).max()
}

fn date(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    let is_digit = |c: &char| c.is_ascii_digit();
    match name {
        "X-Amz-Date" | "X-Goog-Date" | "se" => {
            let value = value.replace("%3A", ":").replace("%3a", ":");
            let date = value
                .chars()
                .take_while(|c| is_digit(c) || "-:T".contains(*c));
            let digits: String = date.filter(is_digit).take(14).collect();
            (digits.len() >= 8).then(|| format!("{digits:0<14}"))
        }
        "Expires" => {
            let seconds: String = value.chars().take_while(is_digit).collect();
            let time = jiff::Timestamp::from_second(seconds.parse().ok()?).ok()?;
            Some(time.strftime("%Y%m%d%H%M%S").to_string())
        }
        _ => None,
    }
}
