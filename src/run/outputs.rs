//! The outputs of a run: a set that only grows.

use std::sync::{Arc, Weak};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Output, output_list::OutputList};

/// The outputs of a run. A clone shares them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs(Option<Arc<OutputList>>);

/// Some outputs, as long as their run or a clone of them keeps them.
#[derive(Debug, Clone)]
pub struct WeakOutputs(Option<Weak<OutputList>>);

/// What the outputs of a run are joined with: those of an update or of another state.
pub(super) struct Others<'o, I> {
    /// Sorted by identity, without duplicates.
    pub(super) outputs: I,
    /// Whether others than these were left out.
    pub(super) is_incomplete: bool,
    /// The identity from which on they were left out for lack of room.
    pub(super) end: Option<&'o [u8]>,
}

/// What a join did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JoinedOutputs {
    pub(super) changed: bool,
    pub(super) left_out: usize,
}

impl Outputs {
    /// The most outputs of one update, and of one run: a hundred times more than a workflow has.
    pub const MAX: usize = 1_000;

    /// No outputs.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// The outputs of these texts of JSON, each with the bytes of the largest version seen. `is_incomplete` and `end` as
    /// [`Outputs::is_incomplete`] and [`Outputs::end`] said.
    ///
    /// # Errors
    /// When one of the texts is not an output.
    pub fn restore<'j>(
        outputs: impl IntoIterator<Item = (&'j str, usize)>,
        is_incomplete: bool,
        end: Option<&[u8]>,
    ) -> serde_json::Result<Self> {
        let mut restored = Vec::new();
        for (json, largest) in outputs {
            let mut output: Output<&RawValue> = serde_json::from_str(json)?;
            output.largest = output.largest.max(largest);
            restored.push(output.into_kept());
        }
        if restored.is_empty() && !is_incomplete {
            return Ok(Self::new());
        }
        let list = OutputList::restore(restored, is_incomplete, end.map(Into::into));
        Ok(Self(Some(Arc::new(list))))
    }

    /// All of them, sorted by identity.
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.list().iter()
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

    /// Whether the run had outputs for which there was no room.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.0.as_ref().is_some_and(|list| list.is_incomplete)
    }

    /// Bytes of memory they take beside this value itself, estimated.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let list = self.0.as_ref().map_or(0, |list| list.memory);
        list + self.end().map_or(0, <[u8]>::len)
    }

    /// Bytes of the JSON array that shows them, without its brackets.
    #[must_use]
    pub fn items_bytes(&self) -> usize {
        self.bytes() + self.len().saturating_sub(1)
    }

    /// The same outputs, without keeping them.
    #[must_use]
    pub fn downgrade(&self) -> WeakOutputs {
        WeakOutputs(self.0.as_ref().map(Arc::downgrade))
    }

    /// The JSON of one output, by its place in the list.
    #[must_use]
    pub fn json(&self, place: u16) -> &str {
        self.list()[usize::from(place)].json()
    }

    /// The places of all outputs in the list, in the order in which they were made.
    #[must_use]
    pub fn shown(&self) -> Vec<u16> {
        let list = self.list();
        // At most `MAX`. The list is sorted by identity and the sort is stable, so the id decides between equal times.
        let mut shown: Vec<u16> = (0..).take(list.len()).collect();
        shown.sort_by_key(|&place| list[usize::from(place)].made());
        shown
    }

    /// All of them, to join them with others.
    pub(super) fn as_others(&self) -> Others<'_, impl Iterator<Item = Output<&RawValue>>> {
        Others {
            outputs: self.list().iter().map(Output::as_borrowed),
            is_incomplete: self.is_incomplete(),
            end: self.end(),
        }
    }

    /// Adds each of `others` unless the same or a greater version of it is known. Leaves out what exceeds
    /// `max_bytes` of memory or [`Outputs::MAX`].
    pub(super) fn join<'o>(
        &mut self,
        others: Others<'o, impl Iterator<Item = Output<&'o RawValue>>>,
        max_bytes: usize,
    ) -> JoinedOutputs {
        let mut changed = false;
        if others.is_incomplete && !self.is_incomplete() {
            self.list_mut().is_incomplete = true;
            changed = true;
        }
        let mut left_out = 0;
        if let Some(end) = others.end
            && self.end().is_none_or(|known| end < known)
        {
            left_out += self.list_mut().cut(end);
            changed = true;
        }
        let mut new = Vec::new();
        let mut next = 0;
        for output in others.outputs {
            if self
                .end()
                .is_some_and(|end| output.identity().as_bytes() >= end)
            {
                left_out += 1;
                continue;
            }
            match self.find(output.identity(), next) {
                Ok(index) => {
                    changed |= self.replace(index, &output);
                    next = index + 1;
                }
                Err(index) => {
                    new.push((index, output.into_kept()));
                    next = index;
                }
            }
        }
        if !new.is_empty() {
            self.list_mut().insert(new);
            changed = true;
        }
        if self.exceeds(max_bytes) {
            left_out += self.list_mut().shrink(max_bytes);
        }
        JoinedOutputs { changed, left_out }
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

    /// Keeps the greater of two versions. Returns whether that changed anything.
    fn replace(&mut self, index: usize, output: &Output<&RawValue>) -> bool {
        let kept = &self.list()[index];
        let (is_greater, is_larger) = (
            output.version() > kept.version(),
            output.largest > kept.largest,
        );
        if is_greater || is_larger {
            self.list_mut().replace(index, output, is_greater);
        }
        is_greater || is_larger
    }

    fn exceeds(&self, max_bytes: usize) -> bool {
        self.0.as_ref().is_some_and(|list| list.exceeds(max_bytes))
    }

    fn list(&self) -> &[Output] {
        self.0.as_ref().map_or(&[], |list| &list.outputs)
    }

    /// The list, to change it. Clones made before keep the list as it was.
    fn list_mut(&mut self) -> &mut OutputList {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// Bytes of their JSON.
    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.bytes)
    }

    /// The beginning of an identity. Outputs from there on were left out for lack of room.
    #[must_use]
    pub fn end(&self) -> Option<&[u8]> {
        self.0.as_ref()?.end.as_deref()
    }
}

impl WeakOutputs {
    /// The outputs, if they are still kept. An update that changes them makes others of them.
    #[must_use]
    pub fn upgrade(&self) -> Option<Outputs> {
        match &self.0 {
            None => Some(Outputs::new()),
            Some(list) => Some(Outputs(Some(list.upgrade()?))),
        }
    }
}

/// In the order in which they were made.
impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = self.list();
        let json = |place| &*list[usize::from(place)].json;
        serializer.collect_seq(self.shown().into_iter().map(json))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::run::UpdateOutputs;

    fn joined(outputs: &[&str]) -> Outputs {
        joined_within(usize::MAX, outputs)
    }

    fn joined_within(max_bytes: usize, outputs: &[&str]) -> Outputs {
        let mut set = Outputs::new();
        for output in outputs {
            let list = format!("[{output}]");
            let update: UpdateOutputs<'_> = serde_json::from_str(&list).unwrap();
            set.join(update.as_others(), max_bytes);
        }
        set
    }

    fn shown(outputs: &[&str]) -> String {
        shown_of(&joined(outputs))
    }

    fn shown_of(outputs: &Outputs) -> String {
        serde_json::to_string(outputs).unwrap()
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
    fn of_two_with_one_id_and_one_updated_at_the_one_signed_later_is_kept() {
        let plain = r#"{"id":"x","url":"https://host.region/a.png"}"#;
        let signed = r#"{"id":"x","url":"https://host/a.png?key=z&X-Amz-Date=20260301T130000Z"}"#;
        let fresh = r#"{"id":"x","url":"https://host/a.png?key=a&X-Amz-Date=20260301T134500Z"}"#;
        for order in [[plain, signed, fresh], [fresh, signed, plain]] {
            assert_eq!(shown(&order), format!("[{fresh}]"));
        }
        assert_eq!(shown(&[plain, signed]), format!("[{signed}]"));
    }

    #[test]
    fn of_two_with_one_id_and_the_same_times_the_greater_bytes_are_kept() {
        let (a, b) = (r#"{"id":"x","url":"a"}"#, r#"{"id":"x","url":"b"}"#);
        assert_eq!(shown(&[a, b]), format!("[{b}]"));
        assert_eq!(shown(&[b, a]), format!("[{b}]"));
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
        assert_eq!(joined(&outputs).items_bytes(), outputs[1].len());
    }

    /// Every order of some of these, each at most twice, ends in the same outputs.
    #[test]
    fn which_outputs_are_left_out_does_not_depend_on_the_order() {
        let max_bytes = joined(&[r#"{"id":"a"}"#, r#"{"id":"b"}"#]).heap_bytes();
        let outputs = [
            r#"{"id":"a","updated_at":1,"data":"a large version, but not the last"}"#,
            r#"{"id":"a","updated_at":2}"#,
            r#"{"id":"b"}"#,
            r#"{"id":"c"}"#,
        ];
        let expected = joined_within(max_bytes, &outputs);
        assert!(expected.is_incomplete());
        assert_eq!(shown_of(&expected), format!("[{}]", outputs[1]));
        for n in 0..4_usize.pow(5) {
            let order: Vec<_> = (0..5)
                .map(|place| outputs[n / 4_usize.pow(place) % 4])
                .collect();
            let mut set = joined_within(max_bytes, &order);
            set.join(expected.as_others(), max_bytes);
            assert_eq!(set, expected, "{order:?}");
        }
    }

    #[test]
    fn weak_outputs_are_there_as_long_as_they_stay_as_they_are() {
        let mut outputs = joined(&[r#"{"id":1}"#]);
        let weak = outputs.downgrade();
        assert!(
            !outputs
                .join(joined(&[r#"{"id":1}"#]).as_others(), usize::MAX)
                .changed
        );
        assert_eq!(weak.upgrade().as_ref(), Some(&outputs));
        assert!(
            outputs
                .join(joined(&[r#"{"id":2}"#]).as_others(), usize::MAX)
                .changed
        );
        assert_eq!(weak.upgrade(), None);
        let weak = outputs.downgrade();
        drop(outputs);
        assert_eq!(weak.upgrade(), None);
        assert!(Outputs::new().downgrade().upgrade().is_some());
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
            let changed = together.join(list.as_others(), usize::MAX).changed;
            prop_assert_eq!(changed, together != before);
            prop_assert_eq!(together, joined(&one_by_one));
        }
    }
}
