//! One output of a run, kept byte for byte as it arrived.

use std::{
    ops::{Deref, Range},
    sync::Arc,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected},
};
use serde_json::value::RawValue;

use super::{parse_error::reason, readable, signing::latest_date, text::excerpt};
use crate::memory::{shared_bytes, size_class};

/// One output: a JSON object, and where in it the fields are that versions and places depend on.
///
/// `J` holds the JSON: borrowed from the body in an update, shared in a run.
#[derive(Debug, Clone)]
pub struct Output<J = Arc<RawValue>> {
    pub(super) json: J,
    id: Range<usize>,
    updated_at: Range<usize>,
    created_at: Range<usize>,
    /// The latest date of its signed URLs. Few comparisons need it, but to look for it in each of them would take too long
    /// for the lock of the store.
    signed_at: Option<u64>,
    /// Bytes of the largest version seen. If the kept version counted, it would depend on the order of versions which
    /// outputs a run has room for.
    pub(super) largest: usize,
}

impl<J: Deref<Target = RawValue>> Output<J> {
    /// The object, byte for byte as it arrived.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// What identifies it: its `id` as JSON, or the whole JSON if it has none.
    pub fn identity(&self) -> &str {
        if self.id.is_empty() {
            self.json()
        } else {
            &self.json()[self.id.clone()]
        }
    }

    /// Bytes of memory that a run takes to keep it, or its largest version: an entry in a list, and the JSON.
    pub(super) const fn memory(&self) -> usize {
        size_class(size_of::<Output>()) + shared_bytes(self.largest)
    }

    /// Of two outputs with the same identity, the one with the greater version is kept. `updated_at` may be malformed, so
    /// it is compared as text. Fresh URLs come with the same `updated_at`: then their date decides, and at last the bytes.
    pub(super) fn version(&self) -> (&str, Option<u64>, &str) {
        let updated_at = &self.json()[self.updated_at.clone()];
        (updated_at, self.signed_at, self.json())
    }

    /// The key that sorts outputs as they were made. `created_at` may be malformed, so it is compared as text. Outputs
    /// without one come last: nothing says that they were made before others.
    pub(super) fn made(&self) -> (bool, &str) {
        let created_at = &self.json()[self.created_at.clone()];
        (created_at.is_empty(), created_at)
    }
}

impl Output {
    /// Bytes of the largest version seen.
    #[must_use]
    pub const fn largest(&self) -> usize {
        self.largest
    }

    /// The same output, borrowed.
    pub(super) fn as_borrowed(&self) -> Output<&RawValue> {
        Output {
            json: &self.json,
            id: self.id.clone(),
            updated_at: self.updated_at.clone(),
            created_at: self.created_at.clone(),
            signed_at: self.signed_at,
            largest: self.largest,
        }
    }
}

impl Output<&RawValue> {
    pub(super) fn into_kept(self) -> Output {
        Output {
            json: Arc::from(self.json.to_owned()),
            id: self.id,
            updated_at: self.updated_at,
            created_at: self.created_at,
            signed_at: self.signed_at,
            largest: self.largest,
        }
    }
}

impl PartialEq for Output {
    fn eq(&self, other: &Self) -> bool {
        (self.json(), self.largest) == (other.json(), other.largest)
    }
}

impl<'de> Deserialize<'de> for Output<&'de RawValue> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            #[serde(borrow)]
            updated_at: Option<&'a RawValue>,
            #[serde(borrow)]
            created_at: Option<&'a RawValue>,
        }

        let Object(json) = Object::deserialize(deserializer)?;
        readable::check(json.get()).map_err(D::Error::custom)?;
        let head: Head<'de> =
            serde_json::from_str(json.get()).map_err(|error| D::Error::custom(reason(&error)))?;
        Ok(Self {
            json,
            id: range_in(json, head.id.filter(|id| is_identifying(id))),
            updated_at: range_in(json, head.updated_at),
            created_at: range_in(json, head.created_at.filter(|at| is_text(at))),
            signed_at: latest_date(json.get()),
            largest: json.get().len(),
        })
    }
}

/// A JSON object of which nothing else is known.
pub(super) struct Object<'a>(&'a RawValue);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        if json.get().starts_with('{') {
            return Ok(Self(json));
        }
        let found = excerpt(json.get());
        let found = Unexpected::Other(&found);
        Err(D::Error::invalid_type(found, &"an object"))
    }
}

/// Whether an `id` identifies an output. An empty string, an object or an array counts as missing.
fn is_identifying(id: &RawValue) -> bool {
    !matches!(id.get().as_bytes(), [b'{' | b'[', ..] | b"\"\"")
}

/// Whether a value is a text that is not empty.
fn is_text(value: &RawValue) -> bool {
    value.get().starts_with('"') && value.get() != "\"\""
}

/// The bytes of `whole` that `part` was borrowed from.
fn range_in(whole: &RawValue, part: Option<&RawValue>) -> Range<usize> {
    part.map_or(0..0, |part| {
        let start = part.get().as_ptr().addr() - whole.get().as_ptr().addr();
        start..start + part.get().len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_is_an_output() {
        for other in ["1", "\"x\"", "[]", "null", "true"] {
            let error = serde_json::from_str::<Output<&RawValue>>(other).unwrap_err();
            assert!(error.to_string().contains("expected an object"), "{error}");
        }
        let twice = serde_json::from_str::<Output<&RawValue>>(r#"{"id":1,"id":2}"#).unwrap_err();
        assert!(twice.to_string().contains("given twice"), "{twice}");
    }
}
