//! What the handlers share.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Once},
};

use strum::VariantArray as _;
use tokio_util::sync::CancellationToken;

use super::{
    limits::{body::BodyLimits, memory::MemoryBudgets, subscribers::Subscribers},
    problem::Reason,
};
use crate::{
    config::Config,
    hosts::AllowedHost,
    ingest::Ingest,
    lookup::Lookup,
    metrics::Metrics,
    run::Timestamp,
    store::{SnapshotReason, Store},
    telemetry::LogRateLimit,
    tokens::Tokens,
};

/// The runs, and the ways to them.
#[derive(Debug)]
pub struct Runs {
    /// The only way to change them.
    pub ingest: Arc<Ingest>,
    /// Those that are shown in lists and streams.
    pub store: Arc<Store>,
    /// The way to a single one.
    pub lookup: Lookup,
}

impl Runs {
    /// Runs in memory alone.
    #[must_use]
    pub fn in_memory(store: Arc<Store>, metrics: &Metrics) -> Self {
        Self {
            ingest: Arc::new(Ingest::new(Arc::clone(&store), metrics)),
            lookup: Lookup::new(Arc::clone(&store), None),
            store,
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The only way to change the runs.
    pub(super) ingest: Arc<Ingest>,
    /// The runs to show.
    pub(super) store: Arc<Store>,
    /// The way to one run that the store may have dropped.
    pub(super) lookup: Lookup,
    pub(super) metrics: Arc<Metrics>,
    /// Log lines about updates at wrong paths.
    pub(super) misdirected_log: LogRateLimit,
    /// Log lines about rejected updates.
    pub(super) update_log: LogRateLimit,
    /// Log lines that a client without a token may cause. They have a limit of their own, so that a flood of
    /// them hides no line about the sender's updates.
    pub(super) anonymous_log: LogRateLimit,
    /// An update has to carry one of these.
    pub(super) webhook_tokens: Option<Tokens>,
    /// A reader has to carry one of these.
    pub(super) read_tokens: Option<Tokens>,
    /// Without read tokens everyone may read at these hosts, too.
    pub(super) allowed_hosts: Vec<AllowedHost>,
    /// Log lines about readers at other hosts.
    pub(super) hosts_log: LogRateLimit,
    /// The one warning that everyone may report.
    pub(super) open_webhook_warning: Once,
    pub(super) body_limits: BodyLimits,
    pub(super) memory: MemoryBudgets,
    pub(super) subscribers: Subscribers,
    pub(super) started_at: Timestamp,
    /// Distinguishes the revisions of this store from those of another.
    pub(super) epoch: u64,
    /// Cancelled when new requests should go elsewhere. They are still answered.
    pub(super) shutdown: CancellationToken,
    /// Cancelled when streams end and no request waits any longer.
    pub(super) drain: CancellationToken,
}

impl App {
    /// What handlers need to serve `runs` as `config` says. They are ready until `shutdown` is cancelled, and wait
    /// for nothing once `drain` is.
    #[must_use]
    pub fn new(
        config: &Config,
        runs: Runs,
        metrics: &Arc<Metrics>,
        shutdown: CancellationToken,
        drain: CancellationToken,
    ) -> Self {
        register_label_values(metrics);
        // The other half of the connections is left to updates.
        let subscribers = config
            .max_subscribers
            .min((config.max_connections / 2).max(1));
        Self {
            ingest: runs.ingest,
            store: runs.store,
            lookup: runs.lookup,
            metrics: Arc::clone(metrics),
            misdirected_log: LogRateLimit::new(),
            update_log: LogRateLimit::new(),
            anonymous_log: LogRateLimit::new(),
            webhook_tokens: config.webhook_tokens.clone(),
            read_tokens: config.read_tokens.clone(),
            allowed_hosts: config.allow_host.clone(),
            hosts_log: LogRateLimit::one_a_minute(),
            open_webhook_warning: Once::new(),
            body_limits: BodyLimits {
                size: config.max_body,
                time: config.body_timeout,
            },
            memory: MemoryBudgets::new(config.max_in_flight, config.max_body, metrics),
            subscribers: Subscribers::new(subscribers),
            started_at: jiff::Timestamp::now().into(),
            // The seed of a hash map is the randomness that the standard library has.
            epoch: RandomState::new().hash_one(()),
            shutdown,
            drain,
        }
    }
}

/// Creates the counters of the handlers at 0: otherwise Prometheus misses their first increase.
fn register_label_values(metrics: &Metrics) {
    for &reason in Reason::VARIANTS {
        let _ = metrics.rejected(reason.into());
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
            Runs::in_memory(store, &metrics),
            &metrics,
            CancellationToken::new(),
            CancellationToken::new(),
        ))
    }
}
