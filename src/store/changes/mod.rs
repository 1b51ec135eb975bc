//! What changed, in order: where subscribers go on from.

pub(super) mod follower;
mod next;
pub(super) mod watch;

use std::collections::VecDeque;

use crate::run::{RunId, Status};

/// How many changes a store has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// That a run is not what it was. What it became is asked for when it is told, so that many changes of
/// one run cost a slow subscriber no more than the last.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Change {
    pub(in crate::store) run_id: RunId,
    /// The status that the run has no more.
    pub(in crate::store) left: Option<Status>,
    /// The status that it has now, if any.
    pub(in crate::store) status: Option<Status>,
    pub(in crate::store) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// The last update of the run.
    Update,
    /// An update of which there was another after it, or a removal.
    Superseded,
    /// The run is no longer kept.
    Removal,
}

/// The last changes.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    last: VecDeque<Change>,
    head: Revision,
    remembered: usize,
}

impl Feed {
    /// Remembers so many changes.
    pub(in crate::store) fn new(remembered: usize) -> Self {
        Self {
            last: VecDeque::with_capacity(remembered),
            head: Revision(0),
            remembered,
        }
    }

    /// What the last change made it.
    pub(in crate::store) const fn head(&self) -> Revision {
        self.head
    }

    /// Remembers `change`, after which the one that made the revision `before` is the run's last no more. To
    /// pass by what is superseded costs a subscriber next to nothing, however far behind it is.
    pub(in crate::store) fn record(
        &mut self,
        change: Change,
        before: Option<Revision>,
    ) -> Revision {
        if let Some(superseded) = before.and_then(|before| self.change_mut(before)) {
            superseded.kind = Kind::Superseded;
        }
        if self.last.len() == self.remembered {
            self.last.pop_front();
        }
        self.last.push_back(change);
        self.head.0 += 1;
        self.head
    }

    /// The change that made this the revision, if it is remembered.
    fn change_mut(&mut self, revision: Revision) -> Option<&mut Change> {
        let later = usize::try_from(self.head.0.checked_sub(revision.0)?).ok()?;
        let at = self.last.len().checked_sub(later + 1)?;
        self.last.get_mut(at)
    }

    /// The changes after `since`, each with what it made the revision; `None` where some of them are
    /// forgotten, or `since` has not been reached.
    pub(in crate::store) fn after(
        &self,
        since: Revision,
    ) -> Option<impl Iterator<Item = (Revision, &Change)>> {
        let missed = self.head.0.checked_sub(since.0)?;
        let missed = usize::try_from(missed).ok()?;
        let first = self.last.len().checked_sub(missed)?;
        let revisions = (since.0 + 1..).map(Revision);
        Some(revisions.zip(self.last.range(first..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_a_revision_is_told_as_long_as_all_of_it_is_remembered() {
        let mut feed = Feed::new(3);
        let change = Change {
            run_id: "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap(),
            left: None,
            status: None,
            kind: Kind::Update,
        };
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
        let kinds: Vec<_> = feed.last.iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [Kind::Superseded, Kind::Update, Kind::Update]);
    }
}
