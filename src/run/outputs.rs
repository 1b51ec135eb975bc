//! The outputs of a run: a set that only grows.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Output;

/// The outputs of a run. Cloning them shares them.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs(Option<Arc<List>>);

/// Some outputs, sorted by identity.
#[derive(Debug, Clone, Default, PartialEq)]
struct List {
    outputs: Vec<Output>,
    /// Bytes of their JSON.
    bytes: usize,
}

impl Outputs {
    /// The most that one update may hold, and one run: a hundred times more than a workflow has.
    pub const MOST: usize = 1_000;

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
        self.bytes() + self.len() * Output::OVERHEAD
    }

    /// Bytes of the array that shows them.
    pub(super) fn json_bytes(&self) -> usize {
        self.bytes() + self.len() + 2
    }

    /// Each of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Output<&RawValue>> {
        self.list().iter().map(Output::as_borrowed)
    }

    /// Keeps `output` unless it is known already, or a greater version of it is. Says whether it was
    /// kept.
    pub(super) fn join(&mut self, output: Output<&RawValue>) -> bool {
        let place = self
            .list()
            .binary_search_by(|kept| kept.identity().cmp(output.identity()));
        if let Ok(at) = place
            && self.list()[at].version() >= output.version()
        {
            return false;
        }
        // Who shows them keeps those it took.
        let List { outputs, bytes } = Arc::make_mut(self.0.get_or_insert_default());
        *bytes += output.json().len();
        match place {
            Ok(at) => {
                *bytes -= outputs[at].json().len();
                outputs[at] = output.into_kept();
            }
            Err(at) => {
                outputs.reserve_exact(1);
                outputs.insert(at, output.into_kept());
            }
        }
        true
    }

    fn list(&self) -> &[Output] {
        self.0.as_ref().map_or(&[], |list| &list.outputs)
    }

    /// Bytes of their JSON.
    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.bytes)
    }
}

impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.list().iter().map(|output| &*output.json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(outputs: &[&str]) -> Outputs {
        let mut set = Outputs::new();
        for output in outputs {
            set.join(serde_json::from_str(output).unwrap());
        }
        set
    }

    fn shown(outputs: &[&str]) -> String {
        serde_json::to_string(&joined(outputs)).unwrap()
    }

    #[test]
    fn an_output_is_kept_byte_for_byte() {
        let odd =
            r#"{ "b":1.50e3,	"a" : "\u0041", "id":"x" , "n":123456789012345678901234567890 }"#;
        assert_eq!(shown(&[odd]), format!("[{odd}]"));
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
    fn outputs_without_an_id_are_told_apart_by_their_content() {
        let (a, b) = (r#"{"data":1}"#, r#"{"data":2}"#);
        assert_eq!(shown(&[b, a, b, a]), format!("[{a},{b}]"));
        for nameless in [
            r#"{"id":null,"n":N}"#,
            r#"{"id":"","n":N}"#,
            r#"{"id":{},"n":N}"#,
        ] {
            let both = [nameless.replace('N', "1"), nameless.replace('N', "2")];
            assert_eq!(joined(&[&both[0], &both[1]]).len(), 2, "{nameless}");
        }
    }

    #[test]
    fn the_bytes_counted_are_those_of_the_outputs_kept() {
        let outputs = [
            r#"{"id":1}"#,
            r#"{"id":1,"updated_at":"2"}"#,
            r#"{"id":1,"updated_at":"1"}"#,
        ];
        assert_eq!(joined(&outputs).bytes(), outputs[1].len());
        assert!(joined(&outputs).heap_bytes() > outputs[1].len());
    }
}
