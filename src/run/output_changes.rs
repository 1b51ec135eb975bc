//! What changed between two states of a run's outputs, so that only that is written again.

use std::{cmp::Ordering, sync::Arc};

use super::{Output, Outputs};

/// A change of one output.
#[derive(Debug, Clone, Copy)]
pub enum OutputChange<'o> {
    /// It is new, or another version, or a larger version was seen.
    Written(&'o Output),
    /// There is no room for it.
    Removed(&'o Output),
}

impl Outputs {
    /// What changed since they were as `before`.
    #[must_use]
    pub fn changes_since<'o>(&'o self, before: &'o Self) -> Vec<OutputChange<'o>> {
        let mut changes = Vec::new();
        let (mut old, mut new) = (before.iter().peekable(), self.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.identity().cmp(new.identity()),
            };
            let removed = old.next_if(|_| order.is_le());
            let added = new.next_if(|_| order.is_ge());
            changes.extend(match (removed, added) {
                (Some(old), Some(new)) if is_same(old, new) => None,
                (_, Some(new)) => Some(OutputChange::Written(new)),
                (Some(old), None) => Some(OutputChange::Removed(old)),
                (None, None) => None,
            });
        }
    }
}

fn is_same(old: &Output, new: &Output) -> bool {
    // Outputs that no update touched are shared: there is nothing to compare.
    (Arc::ptr_eq(&old.json, &new.json) && old.largest() == new.largest()) || old == new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        run::Run,
        testing::{at, run_id, update},
    };

    fn merged(run: &mut Run, outputs: &str, max_bytes: usize) -> Outputs {
        let body = format!(r#"{{"outputs":[{outputs}]}}"#);
        run.merge(&update(&body), at(0), max_bytes);
        run.outputs().clone()
    }

    fn shown(changes: &[OutputChange<'_>]) -> Vec<String> {
        let shown = changes.iter().map(|change| match change {
            OutputChange::Written(output) => format!("+{}", output.identity()),
            OutputChange::Removed(output) => format!("-{}", output.identity()),
        });
        shown.collect()
    }

    #[test]
    fn only_what_changed_is_a_change() {
        let mut run = Run::new(run_id(0), at(0));
        let none = run.outputs().clone();
        let two = merged(&mut run, r#"{"id":2},{"id":4}"#, usize::MAX);
        assert_eq!(shown(&two.changes_since(&none)), ["+2", "+4"]);
        assert!(two.changes_since(&two).is_empty());
        let three = merged(
            &mut run,
            r#"{"id":1},{"id":2},{"id":4,"updated_at":"1"}"#,
            usize::MAX,
        );
        assert_eq!(shown(&three.changes_since(&two)), ["+1", "+4"]);
        let fewer = merged(&mut run, r#"{"id":3}"#, two.heap_bytes());
        assert_eq!(shown(&fewer.changes_since(&three)), ["-4"]);
    }
}
