//! Values that are read when the metrics are shown.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus::{IntCounter, IntGauge, Registry};

use super::{counter, gauge};

/// Values that are read when the metrics are shown.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// Runs in the store.
    pub runs: usize,
    /// Bytes of memory used by runs.
    pub run_bytes: usize,
    /// Bytes of memory used by request bodies being received.
    pub body_bytes: usize,
    /// Bytes of runs in responses and events being sent.
    pub answer_bytes: usize,
    /// Open streams and waiting requests.
    pub subscribers: usize,
    /// Lines of the log that were left out since the start.
    pub log_lines_left_out: u64,
}

/// What shows them.
#[derive(Debug)]
pub(super) struct LevelGauges {
    runs: IntGauge,
    run_bytes: IntGauge,
    body_bytes: IntGauge,
    answer_bytes: IntGauge,
    subscribers: IntGauge,
    log_lines_left_out: IntCounter,
    /// How many of them the counter has.
    counted: AtomicU64,
}

impl LevelGauges {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauge = |name, help| gauge(registry, name, help);
        Self {
            runs: gauge("runs", "Runs in the store"),
            run_bytes: gauge(
                "run_bytes",
                "Bytes of memory used by runs, limited by --max-bytes",
            ),
            body_bytes: gauge(
                "body_bytes_in_flight",
                "Bytes of memory used by request bodies being received, limited by --max-in-flight",
            ),
            answer_bytes: gauge(
                "answer_bytes_in_flight",
                "Bytes of runs in responses and events being sent, limited by --max-in-flight",
            ),
            subscribers: gauge("subscribers", "Open streams and waiting requests"),
            log_lines_left_out: counter(
                registry,
                "log_lines_left_out_total",
                "Log lines that were not written, as nothing read standard output fast enough",
            ),
            counted: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, levels: Levels) {
        for (gauge, level) in [
            (&self.runs, levels.runs),
            (&self.run_bytes, levels.run_bytes),
            (&self.body_bytes, levels.body_bytes),
            (&self.answer_bytes, levels.answer_bytes),
            (&self.subscribers, levels.subscribers),
        ] {
            gauge.set(i64::try_from(level).unwrap_or(i64::MAX));
        }
        let left_out = levels.log_lines_left_out;
        let counted = self.counted.fetch_max(left_out, Relaxed);
        self.log_lines_left_out
            .inc_by(left_out.saturating_sub(counted));
    }
}
