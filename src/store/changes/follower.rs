//! Following the runs: first a snapshot of them, then every change.

use tokio::sync::watch;

use super::{
    Change, Revision,
    next::{Next, SnapshotReason},
};
use crate::store::{filter::Filter, listing::Position, runs::Runs};

/// Changes that one step looks at, so that it holds the lock for microseconds.
const CHANGES_BATCH: usize = 1024;

/// The position of one stream in the runs. It holds no run and no queue: a stream that is not read costs nothing,
/// and goes on later with what the runs are by then.
#[derive(Debug)]
pub struct Follower {
    filter: Filter,
    limit: usize,
    step: Step,
    any_change: watch::Receiver<()>,
}

#[derive(Debug)]
pub(in crate::store) enum Step {
    Snapshot(SnapshotReason),
    /// In the list of runs. What changed after `since` follows it.
    Listing {
        since: Revision,
        after: Option<Position>,
        left: usize,
    },
    Changes(Revision),
}

impl Follower {
    /// Follows the runs of `filter`. A snapshot has at most the `limit` newest.
    pub(in crate::store) const fn new(
        filter: Filter,
        limit: usize,
        step: Step,
        any_change: watch::Receiver<()>,
    ) -> Self {
        Self {
            filter,
            limit,
            step,
            any_change,
        }
    }

    /// Waits until something has changed since the last call of [`Store::next`](crate::store::Store::next).
    pub async fn changed(&mut self) {
        // It fails only without a store, and then there are no steps to take either.
        let _ = self.any_change.changed().await;
    }

    pub(in crate::store) fn next(&mut self, runs: &Runs) -> Next {
        self.any_change.mark_unchanged();
        match self.step {
            Step::Snapshot(reason) => {
                self.step = Step::Listing {
                    since: runs.feed().head(),
                    after: None,
                    left: self.limit,
                };
                Next::Snapshot(reason)
            }
            Step::Listing { since, after, left } => self.next_listed(runs, since, after, left),
            Step::Changes(since) => self.next_change(runs, since),
        }
    }

    fn next_listed(
        &mut self,
        runs: &Runs,
        since: Revision,
        mut after: Option<Position>,
        left: usize,
    ) -> Next {
        for (others, entry) in (1..).zip(runs.listed(&self.filter, after)) {
            let is_present = self.filter.matches(&entry.run);
            if is_present && left == 0 {
                self.step = Step::Changes(since);
                return Next::Live(since, after.or_else(|| entry.position().before()));
            }
            after = Some(entry.position());
            if is_present {
                let left = left - 1;
                self.step = Step::Listing { since, after, left };
                return Next::Present(entry.run.clone());
            }
            if others == Runs::SEARCH_BATCH {
                self.step = Step::Listing { since, after, left };
                return Next::Continue;
            }
        }
        self.step = Step::Changes(since);
        Next::Live(since, None)
    }

    fn next_change(&mut self, runs: &Runs, since: Revision) -> Next {
        let Some(changes) = runs.feed().after(since) else {
            self.step = Step::Snapshot(SnapshotReason::Behind);
            return Next::Continue;
        };
        let mut nothing = Next::UpToDate;
        for (revision, change) in changes.take(CHANGES_BATCH) {
            self.step = Step::Changes(revision);
            if let Some(next) = self.after_change(runs, revision, change) {
                return next;
            }
            nothing = Next::Continue;
        }
        nothing
    }

    /// What this follower gets for a change. A run that changed several times is sent for its last change alone, and
    /// one that stops matching is sent once more.
    fn after_change(&self, runs: &Runs, revision: Revision, change: &Change) -> Option<Next> {
        let may_match = |traits| self.filter.may_match(change.run_id, traits);
        let (before, after) = (
            change.before.is_some_and(may_match),
            change.after.is_some_and(may_match),
        );
        let may_leave = before && (!after || change.has_lost_label);
        let is_last = after && !change.is_superseded;
        if !may_leave && !is_last {
            return None;
        }
        let entry = runs.get(change.run_id);
        // A later one is new: this one was evicted.
        let Some(entry) = entry.filter(|entry| entry.added <= revision) else {
            return Some(Next::Removed(revision, change.run_id));
        };
        if self.filter.matches_labels(&entry.run) {
            return Some(Next::Changed(revision, entry.run.clone()));
        }
        // A client that filters by a label is not sent runs of another.
        may_leave.then_some(Next::Removed(revision, change.run_id))
    }
}
