//! The outputs of one update.

use std::{fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Output, Outputs, text::unexpected_text};

/// The outputs of one update. Like those of a run they are sorted by identity, each once, in its greatest
/// version, so that merging takes one pass over both.
#[derive(Debug, Default)]
pub struct UpdateOutputs<'a>(Vec<Output<&'a RawValue>>);

impl<'a> Deref for UpdateOutputs<'a> {
    type Target = [Output<&'a RawValue>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> From<Vec<Output<&'a RawValue>>> for UpdateOutputs<'a> {
    fn from(mut outputs: Vec<Output<&'a RawValue>>) -> Self {
        outputs.sort_unstable_by(|a, b| {
            let greatest_first = || b.version().cmp(&a.version());
            a.identity().cmp(b.identity()).then_with(greatest_first)
        });
        outputs.dedup_by(|a, b| a.identity() == b.identity());
        Self(outputs)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for UpdateOutputs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

/// Rejects an array with more outputs than a run may have before it reads the rest.
struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = UpdateOutputs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of at most {} objects", Outputs::MAX)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Err(unexpected_text(text, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut outputs = Vec::new();
        while let Some(output) = array.next_element()? {
            if outputs.len() == Outputs::MAX {
                return Err(A::Error::invalid_length(outputs.len() + 1, &self));
            }
            outputs.push(output);
        }
        Ok(outputs.into())
    }
}
