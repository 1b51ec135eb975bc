//! What a follower gets.

use strum::{IntoStaticStr, VariantArray};

use super::Revision;
use crate::{
    run::{Run, RunId},
    store::listing::Position,
};

/// What a follower gets next.
#[derive(Debug)]
pub enum Next {
    /// All runs follow, newest first. A run that was known before and is not among them is gone.
    Snapshot(SnapshotReason),
    /// One of the runs of the snapshot.
    Present(Run),
    /// The snapshot is complete. The changes after this revision follow. Where the limit left out runs, they come after
    /// this position in the list.
    Live(Revision, Option<Position>),
    /// A run has changed, and is this now.
    Changed(Revision, Run),
    /// The store no longer keeps a run.
    Removed(Revision, RunId),
    /// Nothing in this batch of changes, but there are more.
    Continue,
    /// Nothing until something changes.
    UpToDate,
}

/// Why a snapshot is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum SnapshotReason {
    /// The client is new.
    Start,
    /// The client missed more changes than the store remembers.
    Behind,
    /// The client resumes another stream, or one of another process.
    Restart,
}

impl SnapshotReason {
    /// All of them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word for it in metrics and events.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}
