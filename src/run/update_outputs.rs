//! The outputs of one update.

use std::{fmt, mem, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Output, Outputs, output::Object, outputs::Others, text::unexpected_text};

/// The outputs of one update. Like those of a run they are sorted by identity, each once, in its greatest
/// version, so that merging takes one pass over both.
#[derive(Debug, Default)]
pub struct UpdateOutputs<'a> {
    outputs: Vec<Output<&'a RawValue>>,
    /// How many there were beyond the most that are read.
    pub(super) left_out: usize,
}

impl<'a> Deref for UpdateOutputs<'a> {
    type Target = [Output<&'a RawValue>];

    fn deref(&self) -> &Self::Target {
        &self.outputs
    }
}

impl<'a> UpdateOutputs<'a> {
    fn new(mut outputs: Vec<Output<&'a RawValue>>, left_out: usize) -> Self {
        outputs.sort_unstable_by(|a, b| a.identity().cmp(b.identity()));
        outputs.dedup_by(|other, kept| {
            let is_same = other.identity() == kept.identity();
            if is_same {
                let largest = kept.largest.max(other.largest);
                if other.version() > kept.version() {
                    mem::swap(other, kept);
                }
                kept.largest = largest;
            }
            is_same
        });
        Self { outputs, left_out }
    }

    /// Bytes of memory that a run takes to keep them all.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.outputs.iter().map(Output::memory).sum()
    }

    /// All of them, to join them with those of a run.
    pub(super) fn as_others(&self) -> Others<'a, impl Iterator<Item = Output<&'a RawValue>>> {
        Others {
            outputs: self.outputs.iter().cloned(),
            is_incomplete: self.left_out > 0,
            end: None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for UpdateOutputs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

/// Keeps as many outputs of an array as a run may have. Of the others it reads only that they are objects.
struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = UpdateOutputs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Err(unexpected_text(text, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut outputs = Vec::new();
        while outputs.len() < Outputs::MAX
            && let Some(output) = array.next_element()?
        {
            outputs.push(output);
        }
        let mut left_out = 0;
        while outputs.len() == Outputs::MAX && array.next_element::<Object<'_>>()?.is_some() {
            left_out += 1;
        }
        Ok(UpdateOutputs::new(outputs, left_out))
    }
}
