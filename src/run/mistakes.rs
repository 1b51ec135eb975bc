//! What people send instead of an update, in words that help them.

/// Of a body for which [`is_encoded_twice`] holds.
pub(super) const ENCODED_TWICE: &str = "it is a string that looks like an object: was it encoded as JSON twice? Send the object itself";

/// Whether JSON is a string that holds an object. It is not decoded for that, which would take its memory once more.
pub(super) fn is_encoded_twice(json: &str) -> bool {
    let content = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    let content = content.map_or("", str::trim_ascii);
    content.starts_with('{') && content.ends_with('}')
}

/// What a body that is not JSON was probably meant to be, and what to do about it.
pub(super) fn what_it_looks_like(text: &str) -> Option<&'static str> {
    let in_object = text.strip_prefix('{').map(str::trim_ascii_start);
    if text.starts_with('\u{feff}') {
        Some("it begins with a byte order mark: leave that out")
    } else if text.starts_with('\'') || in_object.is_some_and(|text| text.starts_with('\'')) {
        Some("it has single quotes: JSON takes double quotes")
    } else if matches!(text, "undefined" | "[object Object]") {
        Some("it looks like a JavaScript object: pass it to JSON.stringify")
    } else if text.contains('=') && !text.starts_with(['{', '[', '"']) {
        Some("it looks like a form: send an object instead")
    } else {
        None
    }
}

/// The message of an error with the value that was found as JSON calls it, where serde has a word of its own.
pub(super) fn in_words_of_json(message: &str) -> String {
    for problem in ["invalid type: ", "invalid value: "] {
        for (word, json) in [
            ("sequence", "array"),
            ("map", "object"),
            ("integer ", "number "),
            ("floating point ", "number "),
        ] {
            let found = message.strip_prefix(problem);
            if let Some(rest) = found.and_then(|found| found.strip_prefix(word)) {
                return format!("{problem}{json}{rest}");
            }
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::run::{ParseError, Update};

    #[test]
    fn a_body_that_is_not_json_says_what_it_looks_like() {
        for (body, likeness) in [
            ("\u{feff}{}", "byte order mark"),
            ("{'run_id': None}", "single quotes"),
            ("{ 'run_id': None }", "single quotes"),
            ("'{}'", "single quotes"),
            ("undefined", "JSON.stringify"),
            ("[object Object]", "JSON.stringify"),
            ("payload=%7B%7D", "form"),
            ("run_id=1&status=queued", "form"),
        ] {
            let error = Update::parse(body.as_bytes()).unwrap_err();
            assert!(matches!(error, ParseError::NotJson { .. }), "{body}");
            assert!(error.to_string().contains(likeness), "{body}: {error}");
        }
        let plain = Update::parse(b"{\"progress\":.5}").unwrap_err();
        assert_eq!(
            plain.to_string(),
            "the body is not JSON: expected value at line 1 column 13"
        );
    }
}
