//! One run as the store keeps it.

use std::fmt;

use super::{changes::Revision, listing::Position};
use crate::run::{Outputs, Run, RunId, Status, Timestamp, Update};

/// Bytes a run costs beside what arrived: its entry, the pointers to it, its positions in two lists; and where
/// it has them, its list of outputs and a long live status, for which there is no room in the entry.
pub(super) const RUN_OVERHEAD: usize = 352;

/// The update would make its run larger than one run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTooLarge {
    /// Bytes of memory that one run may take.
    pub bytes: usize,
}

impl fmt::Display for RunTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, outputs) = (self.bytes, Outputs::MOST);
        write!(
            f,
            "this run would hold more than {bytes} bytes or {outputs} outputs, the most kept of a run"
        )
    }
}

impl std::error::Error for RunTooLarge {}

/// A run, and what the store has to know of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) run: Run,
    listed_at: Timestamp,
    /// The revision that its last change made.
    pub(super) revision: Revision,
}

/// What the indexes hold of an entry and an update can change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indexed {
    pub(super) status: Option<Status>,
    /// Bytes of memory, estimated.
    pub(super) bytes: usize,
}

impl Entry {
    /// A run that was first heard of at this time.
    pub(super) const fn new(run_id: RunId, at: Timestamp) -> Self {
        Self {
            run: Run::new(run_id, at),
            listed_at: at,
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
            bytes: self.bytes(),
        }
    }

    /// Bytes of memory it takes, estimated.
    pub(super) fn bytes(&self) -> usize {
        RUN_OVERHEAD + self.run.heap_bytes()
    }

    /// Merges `update` unless the run would take more than `max_bytes`. Says whether anything but the time it
    /// was last seen changed.
    pub(super) fn try_merge(
        &mut self,
        update: &Update<'_>,
        at: Timestamp,
        max_bytes: usize,
    ) -> Result<bool, RunTooLarge> {
        let is_too_large = |entry: &Self, more_bytes: usize, more_outputs: usize| {
            entry.bytes() + more_bytes > max_bytes
                || entry.run.outputs().len() + more_outputs > Outputs::MOST
        };
        // How much of the update is new shows only after the merge, which is undone if that is too much.
        let may_become_too_large = is_too_large(self, update.heap_bytes(), update.outputs.len());
        let before = may_become_too_large.then(|| self.run.clone());
        let changed = self.run.merge(update, at);
        if let Some(before) = before
            && is_too_large(self, 0, 0)
        {
            self.run = before;
            return Err(RunTooLarge { bytes: max_bytes });
        }
        Ok(changed)
    }
}
