//! The order in which runs are listed.

use std::{collections::BTreeSet, ops::Bound};

use crate::run::{RunId, Status, Timestamp};

/// A position in the list of runs, newest first. A run keeps its position as long as the store keeps it, so that
/// a reader of all pages neither meets a run twice nor misses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the run entered the list: greater is newer.
    pub listed_at: Timestamp,
    /// Orders the runs that entered in the same millisecond.
    pub run_id: RunId,
}

impl Position {
    /// The start of this position's millisecond: a list that goes on from there begins with all runs of that millisecond.
    pub(super) fn before(self) -> Option<Self> {
        let listed_at = Timestamp::from_millis(self.listed_at.as_millis() + 1)?;
        let run_id = RunId::MIN;
        Some(Self { listed_at, run_id })
    }
}

/// How many runs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Of any status, or none.
    pub all: usize,
    /// Of each status, in the order of [`Status`].
    pub by_status: [usize; 5],
}

/// The position of every run, in one list of all and in one for each status, so that a page costs the same
/// whatever its filter.
#[derive(Debug, Default)]
pub(super) struct Listing {
    all: BTreeSet<Position>,
    by_status: [BTreeSet<Position>; 5],
}

impl Listing {
    /// Adds a run to the list of all.
    pub(super) fn insert(&mut self, position: Position) {
        self.all.insert(position);
    }

    /// Removes a run from the list of all.
    pub(super) fn remove(&mut self, position: Position) {
        self.all.remove(&position);
    }

    /// Moves a run from the list of one status to that of another.
    pub(super) fn change_status(
        &mut self,
        position: Position,
        before: Option<Status>,
        after: Option<Status>,
    ) {
        if let Some(status) = before {
            self.by_status[status as usize].remove(&position);
        }
        if let Some(status) = after {
            self.by_status[status as usize].insert(position);
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            all: self.all.len(),
            by_status: self.by_status.each_ref().map(BTreeSet::len),
        }
    }

    /// The positions of that status, or of any, that come `after` another in the list.
    pub(super) fn newest_first(
        &self,
        status: Option<Status>,
        after: Option<Position>,
    ) -> impl Iterator<Item = Position> {
        let list = status.map_or(&self.all, |status| &self.by_status[status as usize]);
        let newer = after.map_or(Bound::Unbounded, Bound::Excluded);
        list.range((Bound::Unbounded, newer)).rev().copied()
    }
}
