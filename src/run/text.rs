//! Reading a value that has one text form, from JSON and from a query string alike.

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserializer,
    de::{Error, Expected, Unexpected, Visitor},
};

/// A type that is written as one piece of text.
pub trait FromText: FromStr {
    /// What is accepted, as an error message says it after "expected".
    const ACCEPTED: &'static str;

    /// Deserializes the text, whatever the format it stands in.
    ///
    /// # Errors
    /// When the value is not a string, or not one that [`FromStr`] takes; the error says what was
    /// found and what is accepted.
    fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ACCEPTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse()
            .map_err(|_| E::invalid_value(Unexpected::Str(&excerpt(text)), &self))
    }
}

/// The error of a visitor that expects no text, and is given any value there may be. The error that
/// serde makes by itself holds all of the text, each odd character of it escaped: several times the
/// memory of the body, and of its time.
pub(super) fn unexpected_text<E: Error>(text: &str, expected: &dyn Expected) -> E {
    E::invalid_type(Unexpected::Str(&excerpt(text)), expected)
}

/// As much of what was found as an error shows.
pub(super) fn excerpt(text: &str) -> Cow<'_, str> {
    const MOST: usize = 100;
    match text.len() {
        0..=MOST => text.into(),
        _ => format!("{}…", &text[..text.floor_char_boundary(MOST)]).into(),
    }
}
