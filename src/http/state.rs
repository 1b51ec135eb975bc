//! What the handlers share.

use std::sync::Arc;

use super::{body::BodyLimits, budget::Budget};
use crate::{
    config::Config,
    ingest::Ingest,
    metrics::{Histogram, Metrics},
    store::Store,
    telemetry::Throttle,
    tokens::Tokens,
};

/// Where ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = "/api/webhooks/run-update";

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
    /// Log lines that anyone can cause.
    pub(super) complaints: Throttle,
    /// What an update has to present one of, if anything.
    pub(super) webhook_tokens: Option<Tokens>,
    /// What a reader has to present one of, if anything.
    pub(super) read_tokens: Option<Tokens>,
    /// What request bodies may cost.
    pub(super) body_limits: BodyLimits,
    /// The memory for answers that wait for their readers.
    pub(super) answers: Budget,
}

impl App {
    /// What handlers need to serve `store` as `config` says.
    #[must_use]
    pub fn new(config: &Config, store: &Arc<Store>, metrics: &Arc<Metrics>) -> Self {
        Self {
            ingest: Ingest::new(Arc::clone(store), metrics),
            store: Arc::clone(store),
            metrics: Arc::clone(metrics),
            updates_taken: metrics.requests(WEBHOOK_PATH, 200),
            complaints: Throttle::new(),
            webhook_tokens: config.webhook_tokens.clone(),
            read_tokens: config.read_tokens.clone(),
            body_limits: BodyLimits {
                size: config.max_body,
                time: config.body_timeout,
                // One body always fits.
                in_flight: Budget::new(config.max_in_flight.max(config.max_body)),
            },
            answers: Budget::new(config.max_in_flight),
        }
    }
}
