//! What the committer of a service has done, from the metrics and from Linux.

use std::time::Duration;

use crate::{
    machine::{Scheduled, Written},
    servers::Server,
};

/// The name of its thread.
const COMMITTER: &str = "database";

/// Since the service started, or in a part of that time.
#[derive(Debug)]
pub(crate) struct Commits {
    count: f64,
    updates: f64,
    seconds: f64,
    committer: Option<Scheduled>,
    written: Option<Written>,
}

impl Commits {
    pub(crate) fn of(server: &Server) -> Self {
        let metrics = server.metrics();
        let metric = |name: &str| {
            let name = format!("comfydeploy_webhook_database_{name} ");
            let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
            value.unwrap().parse().unwrap()
        };
        Self {
            count: metric("updates_per_commit_count"),
            updates: metric("updates_per_commit_sum"),
            seconds: metric("commit_duration_seconds_sum"),
            committer: server.threads(COMMITTER),
            written: server.written(),
        }
    }

    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            count: self.count - before.count,
            updates: self.updates - before.updates,
            seconds: self.seconds - before.seconds,
            committer: self
                .committer
                .zip(before.committer)
                .map(|(now, before)| now.since(before)),
            written: self
                .written
                .zip(before.written)
                .map(|(now, before)| now.since(before)),
        }
    }

    pub(crate) fn updates_each(&self) -> f64 {
        self.updates / self.count
    }

    /// Microseconds that a commit took.
    pub(crate) fn micros(&self) -> f64 {
        self.seconds * 1e6 / self.count
    }

    /// Microseconds of CPU time that the committer used for a commit.
    pub(crate) fn cpu(&self) -> Option<f64> {
        Some(self.per_commit(self.committer?.running))
    }

    /// Microseconds of a commit in which the committer neither ran nor waited for its core: it waited for the disk.
    pub(crate) fn waiting(&self) -> Option<f64> {
        let Scheduled { running, ready } = self.committer?;
        Some(self.micros() - self.per_commit(running + ready))
    }

    fn per_commit(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.count
    }

    /// Bytes that the service wrote for an update.
    pub(crate) fn bytes_per_update(&self) -> Option<f64> {
        let Written { to_disk, passed } = self.written?;
        let bytes = if to_disk > 0 { to_disk } else { passed };
        Some(bytes as f64 / self.updates)
    }

    /// The share of `time` in which it waited for the disk.
    pub(crate) fn share_waiting(&self, time: Duration) -> Option<f64> {
        Some(self.waiting()? * self.count / 1e6 / time.as_secs_f64())
    }
}
