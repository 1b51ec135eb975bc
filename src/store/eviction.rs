//! Why runs are evicted.

use crate::metrics::{Counter, Metrics};

/// What a run was evicted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvictionCause {
    /// There were more runs than may be kept.
    MaxRuns,
    /// The runs took more bytes than they may.
    MaxBytes,
    /// The run had no update for too long.
    Retention,
}

/// How many runs were evicted for each cause.
#[derive(Debug)]
pub(super) struct EvictionCounters {
    max_runs: Counter,
    max_bytes: Counter,
    retention: Counter,
}

impl EvictionCounters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            max_runs: metrics.evictions("max_runs"),
            max_bytes: metrics.evictions("max_bytes"),
            retention: metrics.evictions("retention"),
        }
    }

    pub(super) fn count(&self, cause: EvictionCause) {
        let counter = match cause {
            EvictionCause::MaxRuns => &self.max_runs,
            EvictionCause::MaxBytes => &self.max_bytes,
            EvictionCause::Retention => &self.retention,
        };
        counter.inc();
    }
}
