//! One run as the store keeps it.

use std::fmt;

use super::{changes::Revision, listing::Position};
use crate::run::{Outputs, Run, RunId, Status, Timestamp, Update};

/// Bytes a run costs beside what arrived: its slot, where it is found by its id, its places in the order of
/// updates and in the two lists; and where it has them, its list of outputs and a long live status, for which
/// there is no room in the slot.
pub(super) const RUN_OVERHEAD: usize = 352;

/// The update would make its run larger than one run may be.
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
            "this run would hold more than {bytes} bytes or {outputs} outputs, the most kept of a run"
        )
    }
}

impl std::error::Error for RunTooLarge {}

/// A run, and what the store has to know of it: two lines of the processor's cache, and no part of a third.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Kept {
    pub(super) run: Run,
    listed_at: Timestamp,
    /// What its last change made it.
    pub(super) revision: Revision,
}

impl Kept {
    /// A run that was heard of `at` this time, and has not changed yet.
    pub(super) const fn new(run_id: RunId, at: Timestamp) -> Self {
        Self {
            run: Run::new(run_id, at),
            listed_at: at,
            revision: Revision(0),
        }
    }

    pub(super) const fn id(&self) -> RunId {
        self.run.id()
    }

    pub(super) const fn position(&self) -> Position {
        Position {
            listed_at: self.listed_at,
            run_id: self.run.id(),
        }
    }

    pub(super) fn status(&self) -> Option<Status> {
        self.run.status()
    }

    /// Bytes of memory it takes, estimated.
    pub(super) fn size(&self) -> usize {
        RUN_OVERHEAD + self.run.heap_bytes()
    }

    /// Merges `update` unless the run would outgrow `most` bytes; says whether it told anything new.
    pub(super) fn merge(
        &mut self,
        update: &Update<'_>,
        at: Timestamp,
        most: usize,
    ) -> Result<bool, RunTooLarge> {
        // How much of the update is news shows only after the merge, which is undone if it was too much.
        let may_outgrow = self.size() + update.heap_bytes() > most
            || self.run.outputs().len() + update.outputs.len() > Outputs::MAX;
        let before = may_outgrow.then(|| self.run.clone());
        let changed = self.run.merge(update, at);
        if let Some(before) = before
            && (self.size() > most || self.run.outputs().len() > Outputs::MAX)
        {
            self.run = before;
            return Err(RunTooLarge { bytes: most });
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a slab makes of it.
    #[expect(dead_code, reason = "only its size matters")]
    enum Entry {
        Vacant(usize),
        Occupied(Kept),
    }

    #[test]
    fn a_run_is_two_lines_of_the_cache() {
        assert_eq!(size_of::<Entry>(), 128);
    }
}
