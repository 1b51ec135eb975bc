//! The gaps between runs: memory that is free, but not for other runs, since these do not fit.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::entry::RUN_OVERHEAD;
use crate::memory;

/// Bytes after which the gaps are measured again.
const INTERVAL: usize = 4 * 1024 * 1024;

/// Bytes that an update counts beside its own: to merge it can move ten times as much.
const UPDATE: usize = 10 * RUN_OVERHEAD;

/// Gaps that do not count: they are between what does not belong to runs.
const ALLOWED: usize = 16 * 1024 * 1024;

/// The gaps, measured whenever some MiB of updates were accepted.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Bytes of updates that were accepted since.
    unmeasured: AtomicUsize,
    measured: AtomicUsize,
}

impl Gaps {
    /// Bytes of the gaps as they were measured last.
    pub(super) fn bytes(&self) -> usize {
        self.measured.load(Ordering::Relaxed)
    }

    /// Counts an update of `bytes`. Says whether it is time to measure.
    pub(super) fn count(&self, bytes: usize) -> bool {
        let bytes = UPDATE + bytes;
        let before = self.unmeasured.fetch_add(bytes, Ordering::Relaxed);
        let is_due = before + bytes >= INTERVAL;
        if is_due {
            self.unmeasured.store(0, Ordering::Relaxed);
        }
        is_due
    }

    pub(super) fn measure(&self) {
        let unused = memory::unused();
        // What fits in no free page takes more memory, and larger runs than before fit in none.
        if unused.free_pages > ALLOWED {
            memory::return_free_pages();
        }
        let gaps = unused.gaps.saturating_sub(ALLOWED);
        self.measured.store(gaps, Ordering::Relaxed);
    }
}
