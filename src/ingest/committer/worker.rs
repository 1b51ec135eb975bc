//! The thread that commits.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};
use tracing::{error, info};

use super::{Message, Waiting};
use crate::{
    database::{Cause, Database, DatabaseError},
    ingest::{Readiness, batch::Batch, counts::Counts, retention::RetentionClock},
    metrics::DatabaseMetrics,
    run::RunId,
    store::{Store, sweep_interval},
    telemetry::LogRateLimit,
};

/// Updates that are committed together, at most.
const MAX_UPDATES: usize = 512;

/// Expired runs that are removed together, at most.
const SWEEP_BATCH: usize = 100;

/// The time between two attempts to write while the database cannot be written.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Worker {
    database: Database,
    store: Arc<Store>,
    counts: Arc<Counts>,
    metrics: DatabaseMetrics,
    messages: Receiver<Message>,
    /// Dropped when the database is closed.
    readiness: watch::Sender<Readiness>,
    /// Updates that were taken from the queue.
    waiting: VecDeque<Waiting>,
    is_closing: bool,
    retention: Duration,
    clock: RetentionClock,
    next_sweep: Instant,
    /// When to try again to write, while the database cannot be written.
    next_probe: Option<Instant>,
    /// Log lines about what cannot be read or written.
    log: LogRateLimit,
}

impl Worker {
    pub(super) fn new(
        database: Database,
        store: Arc<Store>,
        counts: Arc<Counts>,
        metrics: DatabaseMetrics,
        messages: Receiver<Message>,
        readiness: watch::Sender<Readiness>,
        retention: Duration,
    ) -> Self {
        Self {
            database,
            store,
            counts,
            metrics,
            messages,
            readiness,
            waiting: VecDeque::new(),
            is_closing: false,
            retention,
            clock: RetentionClock::new(retention),
            next_sweep: Instant::now(),
            next_probe: None,
            log: LogRateLimit::new(),
        }
    }

    /// Fills the store, then commits until it is told to close.
    pub(super) fn run(mut self, restored: oneshot::Sender<Result<(), DatabaseError>>) {
        let result = self.restore(&restored);
        let has_failed = result.is_err();
        if !has_failed {
            self.readiness.send_replace(Readiness::Ready);
        }
        // Nothing waits for it if the service shuts down already.
        let _ = restored.send(result);
        if has_failed {
            return;
        }
        while !self.is_closing || !self.waiting.is_empty() {
            self.take_waiting();
            if !self.waiting.is_empty() {
                self.commit();
            }
            if Instant::now() >= self.next_sweep {
                let removed = self.sweep();
                self.report(removed);
            }
            if self.next_probe.is_some_and(|probe| Instant::now() >= probe) {
                let written = self.database.probe().map(|()| 1);
                self.report(written);
            }
        }
        self.database.close();
    }

    /// Fills the store with the runs that were updated last.
    fn restore(
        &mut self,
        restored: &oneshot::Sender<Result<(), DatabaseError>>,
    ) -> Result<(), DatabaseError> {
        let start = Instant::now();
        self.database.check()?;
        let expired = self.clock.expired();
        let mut runs = 0_usize;
        self.database.most_recent(|run| {
            // If the service shuts down, it waits for this no longer.
            let is_taken =
                !restored.is_closed() && run.seen().last >= expired && self.store.restore(run);
            runs += usize::from(is_taken);
            is_taken
        })?;
        // A log of another user is not noticed before something is written.
        if let Err(error) = self.database.probe()
            && error.cause() == Cause::ReadOnly
        {
            return Err(error);
        }
        info!(
            "{runs} runs read from the database in {:.1?}",
            start.elapsed()
        );
        Ok(())
    }

    /// Takes the updates in the queue. Waits for the first until something else is due.
    fn take_waiting(&mut self) {
        if self.waiting.is_empty() && !self.is_closing {
            let due = self
                .next_probe
                .unwrap_or(self.next_sweep)
                .min(self.next_sweep);
            match self
                .messages
                .recv_timeout(due.saturating_duration_since(Instant::now()))
            {
                Ok(message) => {
                    self.take(message);
                    // The threads that serve may have more at hand: fuller batches write fewer pages for each update.
                    thread::yield_now();
                }
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.is_closing = true,
            }
        }
        while self.waiting.len() < MAX_UPDATES
            && let Ok(message) = self.messages.try_recv()
        {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Update(update) => {
                self.metrics.queue_length.dec();
                self.waiting.push_back(update);
            }
            Message::Close => self.is_closing = true,
        }
    }

    /// Commits the updates that wait, as far as they fit into one batch, and answers them.
    fn commit(&mut self) {
        let start = Instant::now();
        let mut batch = Batch::new(&self.store, &mut self.database);
        let mut joined = Vec::with_capacity(self.waiting.len());
        let mut unreadable = Vec::new();
        while !batch.is_full()
            && let Some(update) = self.waiting.pop_front()
        {
            match batch.join(&update.said) {
                Ok(merged) => joined.push((update, merged)),
                // The others go on without it.
                Err(error) => unreadable.push((update, error)),
            }
        }
        match batch.commit() {
            Ok(written) => {
                if written > 0 {
                    self.metrics.commit(start.elapsed(), joined.len());
                }
                self.report(Ok(written));
                for (update, merged) in joined {
                    let merged = merged.and_left_out(update.left_out);
                    self.counts.merged(update.said.id(), update.dialect, merged);
                    update.accept();
                }
            }
            Err(error) => {
                let cause = error.cause();
                self.report(Err(error));
                for (update, _) in joined {
                    update.reject(cause);
                }
            }
        }
        for (update, error) in unreadable {
            let cause = error.cause();
            self.report_unreadable(update.said.id(), error);
            update.reject(cause);
        }
    }

    /// Removes some of the expired runs. Returns how many.
    fn sweep(&mut self) -> Result<usize, DatabaseError> {
        self.next_sweep = Instant::now() + sweep_interval(self.retention);
        let expired = self.clock.expired();
        let removed = self.database.remove_older(expired, SWEEP_BATCH)?;
        for &run_id in &removed {
            self.store.remove(run_id);
        }
        if removed.len() == SWEEP_BATCH {
            self.next_sweep = Instant::now();
        }
        Ok(removed.len())
    }

    /// Takes note that a run could not be read. Where it is damaged, that concerns no other run.
    fn report_unreadable(&mut self, run_id: RunId, error: DatabaseError) {
        if error.cause() != Cause::Damaged {
            self.report(Err(error));
            return;
        }
        self.metrics.failures.inc();
        self.log.line(|suppressed| {
            error!(%run_id, suppressed, "update rejected: its run cannot be read from the database: {error}");
        });
    }

    /// Takes note that so much was written, or nothing could be.
    fn report(&mut self, written: Result<usize, DatabaseError>) {
        match written {
            Ok(0) => {}
            Ok(_) => {
                if self.next_probe.take().is_some() {
                    self.readiness.send_replace(Readiness::Ready);
                    self.log.line(|suppressed| {
                        info!(suppressed, "the database can be written again");
                    });
                }
            }
            Err(error) => {
                self.metrics.failures.inc();
                let next_probe = Instant::now() + PROBE_INTERVAL;
                self.next_probe = match self.next_probe {
                    Some(probe) if probe > Instant::now() => Some(probe),
                    _ => Some(next_probe),
                };
                let failing = Readiness::Failing(error.cause());
                if self.readiness.send_replace(failing) != failing {
                    self.log.line(|suppressed| {
                        error!(
                            suppressed,
                            "the database cannot be written: {error}; updates get 503 until it can"
                        );
                    });
                }
            }
        }
    }
}
