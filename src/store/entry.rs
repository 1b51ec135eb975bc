//! One run as the store keeps it.

use std::fmt;

use super::{changes::Revision, listing::Position};
use crate::run::{Labels, Merged, Outputs, Run, RunId, Status, Timestamp, Update};

/// Bytes that a run takes beside what arrived, as measured: its entry, its slot in the map, its positions in two
/// lists, and where it has them a list of outputs and a live status that is too long for the entry.
pub(super) const RUN_OVERHEAD: usize = 416;

/// The update would make its run larger than a run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTooLarge {
    /// Bytes of memory that one run may take.
    pub bytes: usize,
}

impl fmt::Display for RunTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, outputs) = (self.bytes, Outputs::MAX);
        write!(
            f,
            "this run would hold more than {bytes} bytes or {outputs} outputs, the most that one run may hold"
        )
    }
}

impl std::error::Error for RunTooLarge {}

/// A run, and what the store needs to know of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) run: Run,
    /// Its place in the list. Unlike the time at which the run was first seen, it never changes.
    listed_at: Timestamp,
    /// The revision of its first change: an earlier one is of a run of this id that was evicted.
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
    /// A run that was first seen at this time.
    pub(super) const fn new(run_id: RunId, at: Timestamp) -> Self {
        Self {
            run: Run::new(run_id, at),
            listed_at: at,
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

    fn has_room_for(&self, bytes: usize, outputs: usize, max_bytes: usize) -> bool {
        self.bytes() + bytes <= max_bytes && self.run.outputs().len() + outputs <= Outputs::MAX
    }

    /// Merges `update` unless the run would take more than `max_bytes`.
    pub(super) fn try_merge(
        &mut self,
        update: &Update<'_>,
        at: Timestamp,
        max_bytes: usize,
    ) -> Result<Merged, RunTooLarge> {
        // How much of the update is new is known only after the merge, which is undone if that is too much.
        let fits_whole = self.has_room_for(update.heap_bytes(), update.outputs.len(), max_bytes);
        let before = (!fits_whole).then(|| self.run.clone());
        let merged = self.run.merge(update, at);
        if let Some(before) = before
            && !self.has_room_for(0, 0, max_bytes)
        {
            self.run = before;
            return Err(RunTooLarge { bytes: max_bytes });
        }
        Ok(merged)
    }
}
