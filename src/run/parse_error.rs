//! Why a body is not an update: what was found, where, and what is accepted.

use std::fmt;

use serde::de::IgnoredAny;
use serde_path_to_error::Segment;

use super::{
    Update,
    mistakes::{ENCODED_TWICE, in_words_of_json, is_encoded_twice, what_it_looks_like},
    progress::RawProgress,
};

/// Of a field that is there twice.
pub(super) const GIVEN_TWICE: &str = "given twice, expected once";

/// Why a body is not an update.
#[derive(Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is not UTF-8.
    NotUtf8 {
        /// The offset of the first invalid byte.
        at: usize,
        /// Whether it begins as gzip does.
        is_gzip: bool,
    },
    /// It is empty, or white space only.
    Empty,
    /// It is not JSON.
    NotJson {
        /// What is wrong, and at which line and column.
        reason: String,
    },
    /// It is JSON, but not an object.
    NotAnObject {
        /// What was found and what is accepted.
        reason: String,
    },
    /// It is an object with a wrong value.
    WrongField {
        /// The wrong value, as a JSON pointer (RFC 6901); empty for the whole body.
        pointer: String,
        /// What was found and what is accepted.
        reason: String,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { is_gzip: true, .. } => {
                f.write_str("the body is compressed with gzip; send it uncompressed")
            }
            Self::NotUtf8 { at, .. } => write!(f, "the body is not UTF-8 text: byte {at} is wrong"),
            Self::Empty => f.write_str("the body is empty; expected a JSON object"),
            Self::NotJson { reason } => write!(f, "the body is not JSON: {reason}"),
            Self::NotAnObject { reason } => write!(f, "the body: {reason}"),
            Self::WrongField { pointer, reason } if pointer.is_empty() => {
                write!(f, "the body: {reason}")
            }
            Self::WrongField { pointer, reason } => write!(f, "{pointer}: {reason}"),
        }
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    /// Finds the value in `text` that caused `error`. It parses the text again, so that a valid update
    /// pays nothing for tracking where each value is.
    pub(super) fn diagnose(text: &str, error: &serde_json::Error) -> Self {
        if text.trim_ascii().is_empty() {
            return Self::Empty;
        }
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let reason = match what_it_looks_like(text.trim_ascii()) {
                Some(likeness) => format!("{error}; {likeness}"),
                None => error.to_string(),
            };
            return Self::NotJson { reason };
        }
        if !text.trim_ascii_start().starts_with('{') {
            let reason = if is_encoded_twice(text.trim_ascii()) {
                ENCODED_TWICE.to_owned()
            } else {
                reason(error)
            };
            return Self::NotAnObject { reason };
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let pointer = serde_path_to_error::deserialize::<_, Update<'_>>(&mut json)
            .err()
            .map_or(String::new(), |error| pointer(error.path()));
        let mut reason = reason(error);
        if pointer == "/progress" && reason == "number out of range" {
            // serde_json rejects a number that no f64 can hold before the field can say what it accepts.
            reason = format!("{reason}, expected {}", RawProgress::ACCEPTED);
        }
        Self::WrongField { pointer, reason }
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(format!("/{key}")),
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The message without its line and column: the pointer says where, and the position may be relative to
/// an inner value.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.starts_with("duplicate field") {
        return GIVEN_TWICE.to_owned();
    }
    let position = format!(" at line {} column {}", error.line(), error.column());
    in_words_of_json(message.strip_suffix(&position).unwrap_or(&message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(body: &str) -> (String, String) {
        match Update::parse(body.as_bytes()) {
            Err(ParseError::WrongField { pointer, reason }) => (pointer, reason),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn an_error_names_the_wrong_field_what_was_found_and_what_is_accepted() {
        for (body, pointer, reason) in [
            (
                r#"{"run_id":5}"#,
                "/run_id",
                "invalid type: number `5`, expected a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7",
            ),
            (
                r#"{"status":"done"}"#,
                "/status",
                "invalid value: string \"done\", expected one of queued, processing, completed, failed, cancelled, not-started, started, running, uploading, success, timeout",
            ),
            (
                r#"{"progress":100.1}"#,
                "/progress",
                "invalid value: number `100.1`, expected a number of at most 100",
            ),
            (
                r#"{"progress":1e400}"#,
                "/progress",
                "number out of range, expected a number of at most 100",
            ),
            (
                r#"{"progress":"50"}"#,
                "/progress",
                "invalid type: string \"50\", expected a number of at most 100",
            ),
            (
                r#"{"live_status":1}"#,
                "/live_status",
                "invalid type: number `1`, expected a string",
            ),
            (
                r#"{"event_type":[]}"#,
                "/event_type",
                "invalid type: array, expected a string",
            ),
            (
                r#"{"outputs":{}}"#,
                "/outputs",
                "invalid type: object, expected an array of objects",
            ),
            (
                r#"{"outputs":[{},"x"]}"#,
                "/outputs/1",
                "invalid type: \"x\", expected an object",
            ),
            (
                r#"{"outputs":[{"id":1,"id":1}]}"#,
                "/outputs/0",
                "given twice, expected once",
            ),
            (
                &format!(
                    r#"{{"outputs":[{{}},{{"a":{}1{}}}]}}"#,
                    "[".repeat(500),
                    "]".repeat(500)
                ),
                "/outputs/1",
                "arrays and objects are nested too deeply, expected at most 128 levels",
            ),
            (
                r#"{"outputs":[{"id":"x","data":{"text":["\ud83d\ude00 \uD83D"]}}]}"#,
                "/outputs/0",
                r"\uD83D is half of a character, expected both halves, such as \ud83d\ude00",
            ),
            (
                r#"{"status":"queued","status":"queued"}"#,
                "/status",
                "given twice, expected once",
            ),
        ] {
            assert_eq!(
                rejection(body),
                (pointer.to_owned(), reason.to_owned()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_body_that_is_not_an_object_says_what_it_is() {
        for (body, reason) in [
            ("[]", "invalid type: array, expected an object"),
            ("null", "invalid type: null, expected an object"),
            ("1.5", "invalid type: number `1.5`, expected an object"),
            (
                r#""map""#,
                "invalid type: string \"map\", expected an object",
            ),
            (r#" "{\"run_id\":null}" "#, ENCODED_TWICE),
            (
                r#""{\n}\n""#,
                "invalid type: string \"{\\n}\\n\", expected an object",
            ),
            (r#""{}""#, ENCODED_TWICE),
        ] {
            let error = Update::parse(body.as_bytes()).unwrap_err();
            let reason = reason.to_owned();
            assert_eq!(error, ParseError::NotAnObject { reason }, "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_and_one_that_is_not_an_update_are_different_errors() {
        for body in [
            "{",
            "{} {}",
            "run_id=1",
            r#"{"progress":4x}"#,
            r#"{"status":}"#,
            "\u{feff}{}",
        ] {
            let error = Update::parse(body.as_bytes()).unwrap_err();
            assert!(
                matches!(error, ParseError::NotJson { .. }),
                "{body}: {error}"
            );
        }
        assert_eq!(Update::parse(b" \n").unwrap_err(), ParseError::Empty);
        assert_eq!(
            Update::parse(b"{\"\xff\"}").unwrap_err(),
            ParseError::NotUtf8 {
                at: 2,
                is_gzip: false
            }
        );
    }
}
