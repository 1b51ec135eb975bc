//! Counting accepted updates, and what was left out of them.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{debug, warn};

use crate::{
    metrics::{Counter, Metrics},
    run::{Dialect, Label, Labels, Merged, Outputs, RunId},
};

/// Counts accepted updates.
#[derive(Debug)]
pub(super) struct Counts {
    applied: ByDialect,
    no_change: ByDialect,
    without_run_id: ByDialect,
    outputs_left_out: LeftOut,
    labels_left_out: LeftOut,
    updates_without_run_id: Occurrences,
}

/// Counters of the updates with one outcome.
#[derive(Debug)]
struct ByDialect {
    documented: Counter,
    wire: Counter,
}

impl ByDialect {
    fn new(metrics: &Metrics, outcome: &'static str) -> Self {
        Self {
            documented: metrics.updates(outcome, "documented"),
            wire: metrics.updates(outcome, "wire"),
        }
    }

    fn count(&self, dialect: Dialect) {
        match dialect {
            Dialect::Documented => self.documented.inc(),
            Dialect::Wire => self.wire.inc(),
        }
    }
}

impl Counts {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            applied: ByDialect::new(metrics, "applied"),
            no_change: ByDialect::new(metrics, "no_change"),
            without_run_id: ByDialect::new(metrics, "without_run_id"),
            outputs_left_out: LeftOut::new(metrics.outputs_left_out()),
            labels_left_out: LeftOut::new(metrics.labels_left_out()),
            updates_without_run_id: Occurrences::default(),
        }
    }

    /// Counts an update that was merged.
    pub(super) fn merged(&self, run_id: RunId, dialect: Dialect, merged: Merged) {
        if merged.changed {
            self.applied.count(dialect);
        } else {
            self.no_change.count(dialect);
        }
        self.report_left_out(run_id, merged);
        debug!(%run_id, changed = merged.changed, "update merged");
    }

    /// Counts an update that names no run.
    pub(super) fn without_run_id(&self, dialect: Dialect) {
        self.without_run_id.count(dialect);
        self.updates_without_run_id.line_at_powers_of_two(|count| {
            warn!(
                count,
                "update without run_id acknowledged: it changes no run"
            );
        });
    }

    fn report_left_out(&self, run_id: RunId, merged: Merged) {
        let left_out = merged.outputs_left_out;
        self.outputs_left_out.count(left_out, |count| {
            warn!(
                %run_id,
                left_out,
                count,
                "outputs left out: a run keeps at most {} outputs, in at most a sixteenth of --max-bytes",
                Outputs::MAX
            );
        });
        let left_out = merged.labels_left_out;
        self.labels_left_out.count(left_out, |count| {
            warn!(
                %run_id,
                left_out,
                count,
                "labels left out: a run has at most {} of them, with names of 1 to {} bytes and values of at most {}",
                Labels::MAX,
                Label::MAX_NAME,
                Label::MAX_VALUE
            );
        });
    }
}

/// What was left out of runs, and in how many updates.
#[derive(Debug)]
struct LeftOut {
    all: Counter,
    updates: Occurrences,
}

impl LeftOut {
    fn new(all: &Counter) -> Self {
        Self {
            all: all.clone(),
            updates: Occurrences::default(),
        }
    }

    /// Counts what was left out of one update, if anything was, and calls `write` for few of these updates.
    fn count(&self, left_out: usize, write: impl FnOnce(u64)) {
        if left_out > 0 {
            self.all.inc_by(left_out as u64);
            self.updates.line_at_powers_of_two(write);
        }
    }
}

/// How often something has happened that is not worth a log line each time.
#[derive(Debug, Default)]
struct Occurrences(AtomicU64);

impl Occurrences {
    /// Counts it. Calls `write` with the count the 1st, 2nd, 4th, 8th time and so on.
    fn line_at_powers_of_two(&self, write: impl FnOnce(u64)) {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            write(count);
        }
    }
}
