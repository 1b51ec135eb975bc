//! Reading a value that has one text form, from JSON and from a query string alike.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
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
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}
