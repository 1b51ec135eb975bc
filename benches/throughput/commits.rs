//! What the committer of a service has done, from the metrics and from Linux.

use std::time::Duration;

use crate::{
    machine::{Written, since},
    servers::Server,
};

/// The name of its thread.
const COMMITTER: &str = "committer";

/// Since the service started, or in a part of that time.
#[derive(Debug)]
pub(crate) struct Commits {
    pub(crate) count: f64,
    updates: f64,
    seconds: f64,
    committer: Option<Duration>,
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
            committer: server.cpu_of(COMMITTER),
            written: server.written(),
        }
    }

    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            count: self.count - before.count,
            updates: self.updates - before.updates,
            seconds: self.seconds - before.seconds,
            committer: since(before.committer, self.committer),
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

    /// Microseconds of CPU time that the committer used for an update: in the commit, and to take and to answer it.
    pub(crate) fn cpu_per_update(&self) -> Option<f64> {
        Some(self.committer?.as_secs_f64() * 1e6 / self.updates)
    }

    /// Bytes that the service wrote for an update, and which of Linux's figures that is.
    pub(crate) fn bytes_per_update(&self) -> String {
        let Some(Written { to_disk, passed }) = self.written else {
            return "–".to_owned();
        };
        let each = |bytes| bytes as f64 / self.updates;
        if to_disk > 0 {
            format!("{:.0} (write_bytes)", each(to_disk))
        } else {
            format!("{:.0} (wchar)", each(passed))
        }
    }
}
