//! Values that go up and down.

use prometheus::{IntGauge, Registry};

use super::gauge;

/// Values that go up and down. They are read when the metrics are shown.
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
}

/// What shows them.
#[derive(Debug)]
pub(super) struct LevelGauges {
    runs: IntGauge,
    run_bytes: IntGauge,
    body_bytes: IntGauge,
    answer_bytes: IntGauge,
    subscribers: IntGauge,
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
    }
}
