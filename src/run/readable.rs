//! Which JSON every reader can read. serde_json keeps more than that, where it does not decode.

use std::fmt;

use memchr::{memchr, memchr2};

/// Levels of arrays and objects in an output, at most. Many readers fail at some hundreds, some at fewer.
pub(super) const MAX_LEVELS: usize = 128;

/// Why some readers cannot read JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable<'a> {
    TooDeep,
    /// An escape, such as `\ud800`, without the other half of its pair.
    LoneSurrogate(&'a str),
}

impl fmt::Display for Unreadable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(
                f,
                "arrays and objects are nested too deeply, expected at most {MAX_LEVELS} levels"
            ),
            Self::LoneSurrogate(escape) => write!(
                f,
                r"{escape} is half of a character, expected both halves, such as \ud83d\ude00"
            ),
        }
    }
}

/// Checks JSON, which must be valid.
pub(super) fn check(json: &str) -> Result<(), Unreadable<'_>> {
    let bytes = json.as_bytes();
    // Few outputs have so many brackets.
    if opening_brackets(bytes) > MAX_LEVELS && is_too_deep(bytes) {
        return Err(Unreadable::TooDeep);
    }
    match lone_surrogate(bytes) {
        Some(at) => Err(Unreadable::LoneSurrogate(&json[at..at + 6])),
        None => Ok(()),
    }
}

/// How many there are, those in texts included.
fn opening_brackets(json: &[u8]) -> usize {
    // A byte is enough for the count of a chunk: so the compiler makes fast vector instructions.
    let chunks = json.chunks(usize::from(u8::MAX)).map(|chunk| {
        // The two brackets differ in this bit.
        let are_brackets = chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        usize::from(are_brackets.sum::<u8>())
    });
    chunks.sum()
}

fn is_too_deep(json: &[u8]) -> bool {
    let (mut levels, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' if levels == MAX_LEVELS => return true,
            b'{' | b'[' => levels += 1,
            b'}' | b']' => levels -= 1,
            b'"' => at += text_length(&json[at..]),
            _ => {}
        }
    }
    false
}

/// Bytes of the text that JSON begins with, and of the quote at its end.
fn text_length(json: &[u8]) -> usize {
    let mut length = 0;
    while let Some(next) = memchr2(b'"', b'\\', &json[length..]) {
        length += next + 1;
        if json[length - 1] == b'"' {
            break;
        }
        // What is escaped.
        length += 1;
    }
    length
}

/// Where the first escape is that is half of a surrogate pair, if there is one.
fn lone_surrogate(json: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = memchr(b'\\', &json[at..]) {
        at += next;
        let escape = &json[at..];
        at += match (is_first_half(escape), is_second_half(escape)) {
            // As much as the shortest escape. What is left of a longer one has no backslash.
            (false, false) => 2,
            (true, _) if is_second_half(&escape[6..]) => 12,
            _ => return Some(at),
        };
    }
    None
}

/// Whether JSON begins with an escape from `\ud800` to `\udbff`.
const fn is_first_half(json: &[u8]) -> bool {
    matches!(
        json,
        [
            b'\\',
            b'u',
            b'd' | b'D',
            b'8' | b'9' | b'a' | b'b' | b'A' | b'B',
            ..
        ]
    )
}

/// Whether JSON begins with an escape from `\udc00` to `\udfff`.
const fn is_second_half(json: &[u8]) -> bool {
    matches!(
        json,
        [b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, inner: &str) -> String {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"data":{open}{inner}{close}}}"#)
    }

    #[test]
    fn more_than_128_levels_are_too_deep() {
        assert_eq!(check(&nested(128, "1")), Ok(()));
        assert_eq!(check(&nested(129, "1")), Err(Unreadable::TooDeep));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(129), "}".repeat(129));
        assert_eq!(check(&objects), Err(Unreadable::TooDeep));
        let late = format!(
            r#"{{"a":[{}],"b":{}}}"#,
            "[],".repeat(200) + "1",
            nested(128, "")
        );
        assert_eq!(check(&late), Err(Unreadable::TooDeep));
    }

    #[test]
    fn many_brackets_side_by_side_or_in_texts_are_not_deep() {
        let flat = vec![r#"{"a":[1],"b{":"\"[[[\\"}"#; 500].join(",");
        assert_eq!(check(&nested(126, &flat)), Ok(()));
        assert_eq!(check(&nested(127, &flat)), Err(Unreadable::TooDeep));
        let text = format!(r#""{}\\\"{}""#, "[".repeat(500), "]".repeat(500));
        assert_eq!(check(&nested(128, &text)), Ok(()));
        assert_eq!(check(&nested(129, &text)), Err(Unreadable::TooDeep));
    }

    #[test]
    fn half_a_surrogate_pair_is_found_and_named() {
        for (half, text) in [
            (r"\ud800", r"\ud800"),
            (r"\uDBFF", r"\uDBFF\ud800"),
            (r"\udc00", r"\udc00\ud83d"),
            (r"\uDFFF", r"\ud83d\ude00\uDFFF"),
            (r"\ud83d", r"\ud83d \ude00"),
            (r"\ud83d", r"\ud83d\\ude00"),
            (r"\ud83d", r"\ud83d\u0041\ude00"),
            (r"\ud83d", r"\\\ud83d€"),
            (r"\ud83d", r"\ud83d\n"),
        ] {
            let expected = Err(Unreadable::LoneSurrogate(half));
            assert_eq!(check(&format!(r#"{{"a":"{text}"}}"#)), expected, "{text}");
            assert_eq!(check(&format!(r#"{{"{text}":1}}"#)), expected, "{text}");
        }
    }

    #[test]
    fn pairs_and_other_escapes_are_readable() {
        for text in [
            r"\ud83d\ude00",
            r"\uD83D\uDE00\ud83d\ude00",
            r#"\u00e9\ud7ff\ue000\u0000\u0064\n\\\"\/"#,
            r"\\ud800",
            r"\n€",
            r"\n",
        ] {
            assert_eq!(
                check(&format!(r#"{{"{text}":"{text}"}}"#)),
                Ok(()),
                "{text}"
            );
        }
    }
}
