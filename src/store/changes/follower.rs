//! Following the runs: first a snapshot of them, then every change.

use tokio::sync::watch;

use super::{
    Change, ChangeKind, Revision,
    next::{Next, SnapshotReason},
};
use crate::{
    run::Status,
    store::{listing::Position, runs::Runs},
};

/// Changes that one step looks at, so that it holds the lock for microseconds.
const CHANGES_BATCH: usize = 1024;

/// The position of one stream in the runs. It holds no run and no queue: a stream that is not read costs nothing,
/// and goes on later with what the runs are by then.
#[derive(Debug)]
pub struct Follower {
    status: Option<Status>,
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
    /// Follows the runs of `status`, or all. A snapshot has at most the `limit` newest.
    pub(in crate::store) const fn new(
        status: Option<Status>,
        limit: usize,
        step: Step,
        any_change: watch::Receiver<()>,
    ) -> Self {
        Self {
            status,
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
        after: Option<Position>,
        left: usize,
    ) -> Next {
        if left > 0
            && let Some(entry) = runs.listed(self.status, after).next()
        {
            self.step = Step::Listing {
                since,
                after: Some(entry.position()),
                left: left - 1,
            };
            return Next::Present(entry.run.clone());
        }
        self.step = Step::Changes(since);
        Next::Live(since)
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

    /// What this follower gets for a change. A run that changed several times is sent for its last change alone,
    /// and one that leaves the status is sent once more.
    fn after_change(&self, runs: &Runs, revision: Revision, change: &Change) -> Option<Next> {
        let follows_all = self.status.is_none();
        let leaves = !follows_all && change.old_status == self.status;
        let concerns = leaves
            || match change.kind {
                ChangeKind::Update => follows_all || change.status == self.status,
                ChangeKind::Superseded => false,
                ChangeKind::Removal => follows_all,
            };
        if !concerns {
            return None;
        }
        let entry = runs.get(change.run_id);
        Some(match entry.filter(|_| change.kind != ChangeKind::Removal) {
            Some(entry) => Next::Changed(revision, entry.run.clone()),
            // Removed by this change, or by a later one, which followers of another status are sent.
            None => Next::Removed(revision, change.run_id),
        })
    }
}
