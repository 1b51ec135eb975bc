//! The outputs of a run: a set that only grows.

use std::{mem, sync::Arc};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Output;

/// The outputs of a run. A clone shares them.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs(Option<Arc<List>>);

/// Outputs, sorted by identity.
#[derive(Debug, Clone, Default, PartialEq)]
struct List {
    outputs: Vec<Output>,
    /// Bytes of memory they take.
    memory: usize,
}

impl Outputs {
    /// The most outputs of one update, and of one run: a hundred times more than a workflow has.
    pub const MAX: usize = 1_000;

    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Bytes of memory they take beside this value itself, estimated.
    pub(super) fn heap_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.memory)
    }

    /// Bytes of the JSON array that shows them.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        let outputs = self.list().iter();
        outputs.map(|output| output.json().len() + 1).sum::<usize>() + 2
    }

    /// All outputs, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Output<&RawValue>> {
        self.list().iter().map(Output::as_borrowed)
    }

    /// Adds each of `outputs` unless the same or a greater version of it is known. They must be sorted by
    /// identity, without duplicates. Returns whether anything changed.
    pub(super) fn join<'o>(&mut self, outputs: impl Iterator<Item = Output<&'o RawValue>>) -> bool {
        let mut changed = false;
        let mut new = Vec::new();
        let mut next = 0;
        for output in outputs {
            match self.find(output.identity(), next) {
                Ok(index) => {
                    changed |= self.replace(index, output);
                    next = index + 1;
                }
                Err(index) => {
                    new.push((index, output.into_kept()));
                    next = index;
                }
            }
        }
        if !new.is_empty() {
            self.insert(new);
            changed = true;
        }
        changed
    }

    /// The index of the output with this identity, or where to insert it. Usually it is `next`, because
    /// updates repeat what the run has; looking there first saves a search with its cache misses.
    fn find(&self, identity: &str, next: usize) -> Result<usize, usize> {
        let list = self.list();
        match list.get(next) {
            Some(kept) if kept.identity() == identity => Ok(next),
            _ => list.binary_search_by(|kept| kept.identity().cmp(identity)),
        }
    }

    fn replace(&mut self, index: usize, output: Output<&RawValue>) -> bool {
        if self.list()[index].version() >= output.version() {
            return false;
        }
        let List { outputs, memory } = self.list_mut();
        *memory += output.memory();
        *memory -= outputs[index].memory();
        outputs[index] = output.into_kept();
        true
    }

    /// Inserts each output before the known one at its index. All at once, so that each known output is
    /// moved only once.
    fn insert(&mut self, new: Vec<(usize, Output)>) {
        let list = self.list_mut();
        let mut outputs = Vec::with_capacity(list.outputs.len() + new.len());
        let mut known = mem::take(&mut list.outputs).into_iter();
        for (inserted, (index, output)) in new.into_iter().enumerate() {
            let moved = outputs.len() - inserted;
            outputs.extend(known.by_ref().take(index - moved));
            list.memory += output.memory();
            outputs.push(output);
        }
        outputs.extend(known);
        list.outputs = outputs;
    }

    fn list(&self) -> &[Output] {
        self.0.as_ref().map_or(&[], |list| &list.outputs)
    }

    /// The list, to change it. Clones made before keep the list as it was.
    fn list_mut(&mut self) -> &mut List {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

/// In the order in which they were made.
impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The list is sorted by identity and the sort is stable, so the id decides between equal times.
        let mut shown: Vec<&Output> = self.list().iter().collect();
        shown.sort_by_key(|output| output.made());
        serializer.collect_seq(shown.iter().map(|output| &*output.json))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::run::UpdateOutputs;

    fn joined(outputs: &[&str]) -> Outputs {
        let mut set = Outputs::new();
        for output in outputs {
            set.join([serde_json::from_str(output).unwrap()].into_iter());
        }
        set
    }

    fn shown(outputs: &[&str]) -> String {
        serde_json::to_string(&joined(outputs)).unwrap()
    }

    #[test]
    fn an_output_is_kept_byte_for_byte() {
        let unusual =
            r#"{ "b":1.50e3,	"a" : "\u0041", "id":"x" , "n":123456789012345678901234567890 }"#;
        assert_eq!(shown(&[unusual]), format!("[{unusual}]"));
    }

    #[test]
    fn of_two_with_one_id_the_later_updated_at_is_kept_in_either_order() {
        let old = r#"{"id":"x","url":"z","updated_at":"2026-03-01T12:00:39.004871+00Z"}"#;
        let new = r#"{"id":"x","url":"a","updated_at":"2026-03-01T12:00:40Z"}"#;
        assert_eq!(shown(&[old, new]), format!("[{new}]"));
        assert_eq!(shown(&[new, old]), format!("[{new}]"));
    }

    #[test]
    fn of_two_with_one_id_and_one_updated_at_the_greater_bytes_are_kept() {
        let plain = r#"{"id":"x","url":"https://host/a.png"}"#;
        let signed = r#"{"id":"x","url":"https://host/a.png?X-Amz-Date=20260301"}"#;
        assert_eq!(shown(&[plain, signed]), format!("[{signed}]"));
        assert_eq!(shown(&[signed, plain]), format!("[{signed}]"));
    }

    #[test]
    fn outputs_without_an_id_are_identified_by_their_content() {
        let (a, b) = (r#"{"data":1}"#, r#"{"data":2}"#);
        assert_eq!(shown(&[b, a, b, a]), format!("[{a},{b}]"));
        for without_id in [
            r#"{"id":null,"n":N}"#,
            r#"{"id":"","n":N}"#,
            r#"{"id":{},"n":N}"#,
        ] {
            let both = [without_id.replace('N', "1"), without_id.replace('N', "2")];
            assert_eq!(joined(&[&both[0], &both[1]]).len(), 2, "{without_id}");
        }
    }

    #[test]
    fn outputs_are_shown_in_the_order_they_were_made_then_by_id() {
        let in_order = [
            r#"{"id":"d","created_at":"2026-03-01T12:00:39+00Z"}"#,
            r#"{"id":"c","created_at":"2026-03-01T12:00:39.004871+00Z"}"#,
            r#"{"id":"a","created_at":"2026-03-01T12:00:41.207Z"}"#,
            r#"{"id":"b","created_at":"2026-03-01T12:00:41.207Z"}"#,
            r#"{"created_at":"2026-03-02"}"#,
            r#"{"id":"e","created_at":null}"#,
            r#"{"id":"f","created_at":1}"#,
            r#"{"id":"g"}"#,
        ];
        let expected = format!("[{}]", in_order.join(","));
        for n in 0..in_order.len() {
            let mut arrived = in_order;
            arrived.rotate_left(n);
            assert_eq!(shown(&arrived), expected, "{arrived:?}");
        }
    }

    #[test]
    fn the_version_that_is_kept_says_when_an_output_was_made() {
        let other = r#"{"id":"b","created_at":"2"}"#;
        let versions = [
            r#"{"id":"a","created_at":"1","updated_at":"1"}"#,
            r#"{"id":"a","created_at":"3","updated_at":"2"}"#,
        ];
        let expected = format!("[{other},{}]", versions[1]);
        assert_eq!(shown(&[versions[0], versions[1], other]), expected);
        assert_eq!(shown(&[other, versions[1], versions[0]]), expected);
    }

    #[test]
    fn only_the_bytes_of_the_outputs_kept_are_counted() {
        let outputs = [
            r#"{"id":1}"#,
            r#"{"id":1,"updated_at":"2"}"#,
            r#"{"id":1,"updated_at":"1"}"#,
        ];
        let kept = joined(&outputs[1..2]);
        assert_eq!(joined(&outputs).heap_bytes(), kept.heap_bytes());
        assert_eq!(joined(&outputs).json_bytes(), outputs[1].len() + 3);
    }

    proptest! {
        #![proptest_config(crate::testing::proptest_config())]
        #[test]
        fn outputs_of_one_update_are_kept_as_if_they_came_one_by_one(
            known in vec((0..20, 0..3), 0..9),
            sent in vec((0..20, 0..3), 0..15),
        ) {
            let json = |outputs: Vec<(i32, i32)>| -> Vec<String> {
                outputs.into_iter().map(|(id, n)| format!(r#"{{"id":{id},"n":{n}}}"#)).collect()
            };
            let (known, sent) = (json(known), json(sent));
            let one_by_one: Vec<&str> = known.iter().chain(&sent).map(String::as_str).collect();
            let mut together = joined(&one_by_one[..known.len()]);
            let before = together.clone();
            let list = format!("[{}]", sent.join(","));
            let list: UpdateOutputs<'_> = serde_json::from_str(&list).unwrap();
            prop_assert!(list.is_sorted_by(|a, b| a.identity() < b.identity()));
            prop_assert_eq!(together.join(list.iter().cloned()), together != before);
            prop_assert_eq!(together, joined(&one_by_one));
        }
    }
}
