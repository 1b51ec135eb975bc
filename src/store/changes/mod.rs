//! The feed of changes, from which streams send what changed and clients resume.

pub(super) mod follower;
pub(super) mod next;
pub(super) mod watch;

use std::collections::VecDeque;

use crate::{
    run::RunId,
    store::{entry::Indexed, filter::Traits},
};

/// How many changes a store has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// A run has changed. What it became is looked up when that is sent, so that many changes of one run cost a slow
/// stream no more than the last.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Change {
    pub(in crate::store) run_id: RunId,
    /// `None` if the store did not keep the run before.
    pub(in crate::store) before: Option<Traits>,
    /// `None` if the store no longer keeps the run.
    pub(in crate::store) after: Option<Traits>,
    /// Whether the run lost a label. The traits cannot always tell.
    pub(in crate::store) has_lost_label: bool,
    /// Whether another change of the run followed. To look that up for each change would cost the updates beside
    /// 100 streams a fifth.
    pub(in crate::store) is_superseded: bool,
}

impl Change {
    pub(in crate::store) fn new(
        run_id: RunId,
        before: Option<&Indexed>,
        after: Option<&Indexed>,
    ) -> Self {
        let traits = |run: &Indexed| Traits::new(run.status, &run.labels);
        let keeps_labels =
            |(before, after): (&Indexed, &Indexed)| after.labels.contains_all(&before.labels);
        Self {
            run_id,
            before: before.map(traits),
            after: after.map(traits),
            has_lost_label: before.zip(after).is_some_and(|both| !keeps_labels(both)),
            is_superseded: false,
        }
    }
}

/// The last changes.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    changes: VecDeque<Change>,
    head: Revision,
    backlog: usize,
}

impl Feed {
    /// One that remembers the last `backlog` changes.
    pub(in crate::store) fn new(backlog: usize) -> Self {
        Self {
            changes: VecDeque::with_capacity(backlog),
            head: Revision(0),
            backlog,
        }
    }

    /// The revision of the last change.
    pub(in crate::store) const fn head(&self) -> Revision {
        self.head
    }

    /// Adds a change, as a new revision. The change of the same run at revision `before` is its last no longer.
    pub(in crate::store) fn record(
        &mut self,
        change: Change,
        before: Option<Revision>,
    ) -> Revision {
        if let Some(superseded) = before.and_then(|before| self.get_mut(before)) {
            superseded.is_superseded = true;
        }
        if self.changes.len() == self.backlog {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.head.0 += 1;
        self.head
    }

    /// The change at this revision, if it is remembered.
    fn get_mut(&mut self, revision: Revision) -> Option<&mut Change> {
        let later = usize::try_from(self.head.0.checked_sub(revision.0)?).ok()?;
        let index = self.changes.len().checked_sub(later + 1)?;
        self.changes.get_mut(index)
    }

    /// The changes after `since`, each with its revision. `None` where some of them are forgotten, or
    /// `since` is not reached yet.
    pub(in crate::store) fn after(
        &self,
        since: Revision,
    ) -> Option<impl Iterator<Item = (Revision, &Change)>> {
        let missed = self.head.0.checked_sub(since.0)?;
        let missed = usize::try_from(missed).ok()?;
        let first = self.changes.len().checked_sub(missed)?;
        let revisions = (since.0 + 1..).map(Revision);
        Some(revisions.zip(self.changes.range(first..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_id;

    #[test]
    fn the_changes_after_a_revision_are_there_until_one_of_them_is_forgotten() {
        let mut feed = Feed::new(3);
        let change = Change::new(run_id(1), None, None);
        assert_eq!(feed.after(Revision(0)).unwrap().count(), 0);
        for revision in 1..=5_u64 {
            let before = revision.checked_sub(2).map(Revision);
            assert_eq!(feed.record(change, before), Revision(revision));
        }
        let after = |since| {
            let changes = feed.after(Revision(since))?;
            Some(changes.map(|(Revision(n), _)| n).collect::<Vec<_>>())
        };
        assert_eq!(after(1), None, "the second change is forgotten");
        assert_eq!(after(2), Some(vec![3, 4, 5]));
        assert_eq!(after(5), Some(vec![]));
        assert_eq!(after(6), None, "it was never reached");
        let are_superseded = feed.changes.iter().map(|change| change.is_superseded);
        assert!(are_superseded.eq([true, false, false]));
    }
}
