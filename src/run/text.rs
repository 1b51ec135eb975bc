//! Values that are written as text: they are read the same way from JSON and from a query string.

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserializer,
    de::{Error, Expected, Unexpected, Visitor},
};

/// A type whose values are written as text.
pub trait FromText: FromStr {
    /// What is accepted, as an error message says it after "expected".
    const ACCEPTED: &'static str;

    /// Deserializes the value from a string.
    ///
    /// # Errors
    /// When the value is not a string, or [`FromStr`] rejects it; the error says what was found and what
    /// is accepted.
    fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

/// Implements `Deserialize` for types that are written as text.
macro_rules! deserialize_from_text {
    ($($text:ty),*) => {$(
        impl<'de> serde::Deserialize<'de> for $text {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Self as $crate::run::FromText>::from_text(deserializer)
            }
        }
    )*};
}

pub(crate) use deserialize_from_text;

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

/// The error of a visitor that meets text where it expects something else. It shows an excerpt: serde's
/// own error holds the whole text, escaped, which can take several times the memory of the body.
pub(super) fn unexpected_text<E: Error>(text: &str, expected: &dyn Expected) -> E {
    E::invalid_type(Unexpected::Str(&excerpt(text)), expected)
}

/// The beginning of `text`, as much as an error shows.
pub(super) fn excerpt(text: &str) -> Cow<'_, str> {
    const MAX: usize = 100;
    match text.len() {
        0..=MAX => text.into(),
        _ => format!("{}…", beginning(text.into(), MAX)).into(),
    }
}

/// The beginning of `text`, as many whole characters as `max` bytes hold.
pub(super) fn beginning(text: Cow<'_, str>, max: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(max);
    match text {
        Cow::Borrowed(text) => text[..end].into(),
        Cow::Owned(mut text) => {
            text.truncate(end);
            text.into()
        }
    }
}
