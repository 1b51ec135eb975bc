//! What the handlers share.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock},
};

use axum::body::Bytes;
use tokio_util::sync::CancellationToken;

use super::{
    connection::Overdue,
    limits::{body::BodyLimits, memory::Budget, subscribers::Subscribers},
    problem::Problem,
};
use crate::{
    config::Config,
    ingest::Ingest,
    metrics::{Histogram, Metrics},
    store::{SnapshotReason, Store},
    telemetry::Throttle,
    tokens::Tokens,
};

/// Where ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = "/api/webhooks/run-update";

/// Bytes of all copies of the metrics that are being sent.
const COPIES_OF_METRICS: usize = 1024 * 1024;

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The way in.
    pub(super) ingest: Ingest,
    /// The runs to show.
    pub(super) store: Arc<Store>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Seconds that updates which are taken take.
    pub(super) updates_taken: Histogram,
    /// Log lines about what the sender of updates sends.
    pub(super) complaints: Throttle,
    /// Log lines about those who were not let in or found nothing. They have their own, so that nobody who
    /// causes many of them hides what is said of the sender.
    pub(super) strangers: Throttle,
    /// What an update has to present one of, if anything.
    pub(super) webhook_tokens: Option<Tokens>,
    /// What a reader has to present one of, if anything.
    pub(super) read_tokens: Option<Tokens>,
    /// What request bodies may cost.
    pub(super) body_limits: BodyLimits,
    /// The memory for answers that wait for their readers.
    pub(super) answers: Budget,
    /// The memory for events that wait for their readers. Streams have theirs, so that nobody who reads one
    /// slowly keeps others from reading.
    pub(super) streams: Budget,
    /// The memory for copies of the metrics that wait for their readers. Who looks there may want to know
    /// why there is no room for anything else.
    pub(super) copies_of_metrics: Budget,
    /// The description of the API, once it was asked for.
    pub(super) description: OnceLock<Bytes>,
    /// Who waits for changes.
    pub(super) subscribers: Subscribers,
    /// What tells the revisions of this store from those of another.
    pub(super) epoch: u64,
    /// When to wait no longer.
    pub(super) shutdown: CancellationToken,
}

impl App {
    /// What handlers need to serve `store` as `config` says until `shutdown` is cancelled.
    #[must_use]
    pub fn new(
        config: &Config,
        store: &Arc<Store>,
        metrics: &Arc<Metrics>,
        shutdown: CancellationToken,
    ) -> Self {
        start_counting(metrics);
        Self {
            ingest: Ingest::new(Arc::clone(store), metrics),
            store: Arc::clone(store),
            metrics: Arc::clone(metrics),
            updates_taken: metrics.requests(WEBHOOK_PATH, 200),
            complaints: Throttle::new(),
            strangers: Throttle::new(),
            webhook_tokens: config.webhook_tokens.clone(),
            read_tokens: config.read_tokens.clone(),
            body_limits: BodyLimits {
                size: config.max_body,
                time: config.body_timeout,
                // One body always fits.
                in_flight: Budget::new(config.max_in_flight.max(config.max_body)),
            },
            answers: Budget::new(config.max_in_flight),
            streams: Budget::new(config.max_in_flight / 2),
            copies_of_metrics: Budget::new(COPIES_OF_METRICS),
            description: OnceLock::new(),
            // The other half is left to updates.
            subscribers: Subscribers::new(
                config
                    .max_subscribers
                    .min((config.max_connections / 2).max(1)),
            ),
            // The seed of a hash map is the randomness that the standard library has.
            epoch: RandomState::new().hash_one(()),
            shutdown,
        }
    }
}

/// Takes a handle of each counter: one that is there from the beginning shows its first step, too.
fn start_counting(metrics: &Metrics) {
    for (_, reason) in Problem::REASONS {
        let _ = metrics.refused(reason);
    }
    for overdue in Overdue::ALL {
        let _ = metrics.timed_out(overdue.stage());
    }
    for reason in SnapshotReason::ALL {
        let _ = metrics.snapshots(reason.word());
    }
}

#[cfg(test)]
impl App {
    /// One with room for one run, that is never shut down.
    pub(super) fn for_tests() -> Arc<Self> {
        use crate::store::Limits;

        let config = Config::from_flags(&[]).unwrap();
        let metrics = Metrics::new();
        let limits = Limits {
            runs: 1,
            bytes: 1024 * 1024,
            retention: std::time::Duration::ZERO,
            backlog: 10,
        };
        let store = Arc::new(Store::new(limits, &metrics));
        Arc::new(Self::new(
            &config,
            &store,
            &metrics,
            CancellationToken::new(),
        ))
    }
}
