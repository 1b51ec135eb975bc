//! The labels of a run, such as whose it is: a set that only grows, up to a limit.

use std::{collections::BTreeMap, mem, str::FromStr, sync::Arc};

use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::{FromText, deserialize_from_text};
use crate::memory::shared_bytes;

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    name: SmolStr,
    value: SmolStr,
}

impl Label {
    /// Bytes of a name, at most.
    pub const MAX_NAME: usize = 64;

    /// Bytes of a value, at most.
    pub const MAX_VALUE: usize = 256;

    /// `None` if the name is empty, or one of the two is too long.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_NAME).contains(&name.len()) && value.len() <= Self::MAX_VALUE;
        fits.then(|| Self {
            name: name.into(),
            value: value.into(),
        })
    }

    fn bytes(&self) -> usize {
        self.name.len() + self.value.len()
    }

    /// Bytes of memory it takes: each text that is too long to be inline has an allocation of its own.
    fn memory(&self) -> usize {
        let texts = [&self.name, &self.value].into_iter();
        let apart = texts.filter(|text| text.is_heap_allocated());
        size_of::<Self>() + apart.map(|text| shared_bytes(text.len())).sum::<usize>()
    }
}

/// `name:value`. A name with a colon cannot be written so.
impl FromStr for Label {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, value) = text.split_once(':').ok_or(())?;
        Self::new(name, value).ok_or(())
    }
}

impl FromText for Label {
    const ACCEPTED: &'static str =
        "name:value, with a name of 1 to 64 bytes and a value of at most 256 bytes";
}

deserialize_from_text!(Label);

/// The labels of an update or of a run. A clone shares them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels(Option<Arc<[Label]>>);

impl Labels {
    /// Labels of a run, at most.
    pub const MAX: usize = 16;

    /// Bytes of memory that labels take beside those of each.
    const OVERHEAD: usize = 32;

    /// No labels.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// The labels, and how many there are too many. Of two values of one name the greater is kept, and of too many
    /// names the least: so the result does not depend on the order.
    #[must_use]
    pub fn collect(labels: impl IntoIterator<Item = Label>) -> (Self, usize) {
        let mut by_name = BTreeMap::<SmolStr, SmolStr>::new();
        let mut left_out = 0;
        for Label { name, value } in labels {
            let kept = by_name.entry(name).or_default();
            *kept = mem::take(kept).max(value);
            if by_name.len() > Self::MAX {
                by_name.pop_last();
                left_out += 1;
            }
        }
        if by_name.is_empty() {
            return (Self::new(), 0);
        }
        let labels = by_name.into_iter();
        let labels = labels.map(|(name, value)| Label { name, value });
        (Self(Some(labels.collect())), left_out)
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter().flat_map(|labels| labels.iter())
    }

    /// Whether this label is one of them.
    #[must_use]
    pub fn contains(&self, label: &Label) -> bool {
        self.iter().any(|other| other == label)
    }

    /// Whether all others are among them.
    #[must_use]
    pub fn contains_all(&self, others: &Self) -> bool {
        self == others || others.iter().all(|label| self.contains(label))
    }

    /// Bytes of their text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.iter().map(Label::bytes).sum()
    }

    /// Bytes of memory they take beside this value itself, estimated.
    pub(super) fn heap_bytes(&self) -> usize {
        let overhead = self.0.as_ref().map_or(0, |_| Self::OVERHEAD);
        overhead + self.iter().map(Label::memory).sum::<usize>()
    }

    /// Adds `others`. Returns whether that changed anything, and how many were left out.
    pub(super) fn join(&mut self, others: &Self) -> (bool, usize) {
        if self.contains_all(others) {
            return (false, 0);
        }
        let (union, left_out) = Self::collect(self.iter().chain(others.iter()).cloned());
        let changed = *self != union;
        *self = union;
        (changed, left_out)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|label| (&*label.name, &*label.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> (Labels, usize) {
        Labels::collect(text.split_whitespace().map(|label| label.parse().unwrap()))
    }

    fn shown(labels: &Labels) -> String {
        serde_json::to_string(labels).unwrap()
    }

    #[test]
    fn a_label_has_a_name_and_a_value_within_limits() {
        let (name, value) = ("n".repeat(64), "v".repeat(256));
        for good in ["user:42", "flag:", "a:b:c", &format!("{name}:{value}")] {
            assert!(good.parse::<Label>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ":",
            ":42",
            "user",
            &format!("{name}n:"),
            &format!("a:{value}v"),
        ] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
        assert_eq!("a:b:c".parse(), Ok(Label::new("a", "b:c").unwrap()));
    }

    #[test]
    fn of_two_values_of_one_name_the_greater_is_kept() {
        let (mut run, _) = labels("user:42 plan:free plan:pro");
        assert_eq!(shown(&run), r#"{"plan":"pro","user":"42"}"#);
        assert_eq!(run.join(&labels("user:41 plan:free").0), (false, 0));
        assert_eq!(run.join(&labels("user:5 team:a").0), (true, 0));
        assert_eq!(shown(&run), r#"{"plan":"pro","team":"a","user":"5"}"#);
    }

    #[test]
    fn the_sixteen_names_that_sort_first_are_kept() {
        let (a_to_j, k_to_t) = (
            "a: b: c: d: e: f: g: h: i: j:",
            "k: l: m: n: o: p: q: r: s: t:",
        );
        let (all, left_out) = labels(&format!("{k_to_t} {a_to_j}"));
        assert_eq!((all.iter().count(), left_out), (16, 4));
        assert!(all.contains(&"p:".parse().unwrap()));
        let (mut run, _) = labels(k_to_t);
        assert_eq!(run.join(&labels(a_to_j).0), (true, 4));
        assert_eq!(run, all);
        assert_eq!(run.join(&labels(k_to_t).0), (false, 4));
    }
}
