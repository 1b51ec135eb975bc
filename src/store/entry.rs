//! One run as the store keeps it.

use super::{changes::Revision, listing::Position};
use crate::run::{Labels, Run, Status, Timestamp};

/// Bytes that a run takes beside what arrived, as measured: its entry, its slot in the map, its positions in two
/// lists, and where it has them a list of outputs and a live status that is too long for the entry.
pub(super) const RUN_OVERHEAD: usize = 416;

/// A run, and what the store needs to know of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) run: Run,
    /// Its place in the list. Unlike the time at which the run was first seen, it never changes.
    listed_at: Timestamp,
    /// The revision of its first change: an earlier one is of a run of this id that was evicted. 0 if it only was away and
    /// goes on as it was.
    pub(super) added: Revision,
    /// The revision of its last change.
    pub(super) revision: Revision,
}

/// What the indexes store of an entry and an update can change.
#[derive(Debug, Clone)]
pub(super) struct Indexed {
    pub(super) status: Option<Status>,
    pub(super) labels: Labels,
    /// Bytes of memory, estimated.
    pub(super) bytes: usize,
    /// The revision of the last change.
    pub(super) revision: Revision,
}

impl Entry {
    /// A run that was not in the store.
    pub(super) const fn new(run: Run) -> Self {
        Self {
            listed_at: run.seen().first,
            run,
            added: Revision(0),
            revision: Revision(0),
        }
    }

    pub(super) const fn position(&self) -> Position {
        Position {
            listed_at: self.listed_at,
            run_id: self.run.id(),
        }
    }

    pub(super) fn indexed(&self) -> Indexed {
        Indexed {
            status: self.run.status(),
            labels: self.run.labels().clone(),
            bytes: self.bytes(),
            revision: self.revision,
        }
    }

    /// Bytes of memory it takes, estimated.
    pub(super) fn bytes(&self) -> usize {
        RUN_OVERHEAD + self.run.heap_bytes()
    }
}
