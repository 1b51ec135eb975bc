//! Metrics of the database.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

use super::{counter, gauge, options, register};

/// In seconds: from a fast disk to one that makes others wait.
const DURATIONS: [f64; 11] = [
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0,
];

const UPDATES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Metrics of the database.
#[derive(Debug, Clone)]
pub struct DatabaseMetrics {
    commits: Histogram,
    updates: Histogram,
    /// Updates that wait to be committed.
    pub queue_length: IntGauge,
    /// Times that it could not be read or written.
    pub failures: IntCounter,
    bytes: IntGauge,
    wal_bytes: IntGauge,
}

impl DatabaseMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let histogram = |name, help, buckets: &[f64]| {
            let options = HistogramOpts::from(options(name, help)).buckets(buckets.to_vec());
            register(registry, Histogram::with_opts(options))
        };
        Self {
            commits: histogram(
                "database_commit_duration_seconds",
                "Time to write some updates and to sync them",
                &DURATIONS,
            ),
            updates: histogram(
                "database_updates_per_commit",
                "Updates that were committed together",
                &UPDATES,
            ),
            queue_length: gauge(
                registry,
                "database_queue_length",
                "Updates that wait to be committed",
            ),
            failures: counter(
                registry,
                "database_failures_total",
                "Times that the database could not be read or written",
            ),
            bytes: gauge(registry, "database_bytes", "Bytes of the database's file"),
            wal_bytes: gauge(
                registry,
                "database_wal_bytes",
                "Bytes of the database's write-ahead log",
            ),
        }
    }

    /// Sets the bytes of the file and of its write-ahead log.
    pub fn set_size(&self, file: u64, wal: u64) {
        for (gauge, bytes) in [(&self.bytes, file), (&self.wal_bytes, wal)] {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    /// Counts a commit of so many updates.
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are a few hundred at most"
    )]
    pub fn commit(&self, duration: Duration, updates: usize) {
        self.commits.observe(duration.as_secs_f64());
        self.updates.observe(updates as f64);
    }
}
