//! Following the runs: first all that are there, then every change.

use super::{
    Revision,
    next::{News, Told},
};
use crate::{
    run::{Run, RunId, Status},
    store::{listing::Position, runs::Runs},
};

/// One subscriber's way through the runs. It holds no run and no queue: however long it stands still, it
/// costs nothing, and then goes on with what the runs are by then.
#[derive(Debug)]
pub struct Follower {
    status: Option<Status>,
    most: usize,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Beginning(Cause),
    /// In the list of runs. What changes meanwhile is told behind it.
    Listing {
        since: Revision,
        after: Option<Position>,
        left: usize,
    },
    Changes(Revision),
}

/// Why all that is there is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The subscriber is new.
    Start,
    /// More has changed than is remembered since the subscriber was last told something.
    Behind,
    /// What the subscriber was told last was told by another store.
    Restart,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Start, Self::Behind, Self::Restart];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Behind => "behind",
            Self::Restart => "restart",
        }
    }
}

/// What a follower comes to next.
#[derive(Debug)]
pub enum Next {
    /// All that is there follows, newest first; what was told before and is not told again is gone.
    Snapshot(Cause),
    /// One of the runs that are there.
    Present(Run),
    /// That was all; from this revision on changes follow.
    Live(Revision),
    /// A run is this now.
    Changed(Revision, Run),
    /// A run is no longer kept.
    Removed(Revision, RunId),
    /// Nothing yet, but there is more to look at.
    More,
    /// Nothing before something changes.
    UpToDate,
}

impl Follower {
    /// Follows the runs of `status`, or all. Of those that are there it tells the `most` newest, because
    /// of this `cause`.
    #[must_use]
    pub const fn new(status: Option<Status>, most: usize, cause: Cause) -> Self {
        Self {
            status,
            most,
            step: Step::Beginning(cause),
        }
    }

    /// The same for a subscriber who knows all up to `since`.
    #[must_use]
    pub const fn resuming(status: Option<Status>, most: usize, since: Revision) -> Self {
        Self {
            status,
            most,
            step: Step::Changes(since),
        }
    }

    pub(in crate::store) fn next(&mut self, runs: &Runs) -> Next {
        match self.step {
            Step::Beginning(cause) => {
                self.step = Step::Listing {
                    since: runs.revision(),
                    after: None,
                    left: self.most,
                };
                Next::Snapshot(cause)
            }
            Step::Listing { since, after, left } => self.next_listed(runs, since, after, left),
            Step::Changes(since) => match runs.news(since, self.status) {
                Ok(None) => Next::UpToDate,
                Ok(Some(News { revision, told })) => {
                    self.step = Step::Changes(revision);
                    match told {
                        None => Next::More,
                        Some(Told::Run(run)) => Next::Changed(revision, run),
                        Some(Told::Removed(run_id)) => Next::Removed(revision, run_id),
                    }
                }
                Err(_) => {
                    self.step = Step::Beginning(Cause::Behind);
                    Next::More
                }
            },
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
            && let Some((position, run)) = runs.next_listed(self.status, after)
        {
            self.step = Step::Listing {
                since,
                after: Some(position),
                left: left - 1,
            };
            return Next::Present(run);
        }
        self.step = Step::Changes(since);
        Next::Live(since)
    }
}
