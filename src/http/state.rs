//! What the handlers share.

use std::sync::Arc;

use super::{body::BodyLimits, budget::Budget};
use crate::{
    ingest::Ingest,
    metrics::{Histogram, Metrics},
    store::Store,
    tokens::Tokens,
};

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The way in.
    pub ingest: Ingest,
    /// The runs to show.
    pub store: Arc<Store>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Seconds that updates which are taken take.
    pub updates_taken: Histogram,
    /// What an update has to present one of, if anything.
    pub webhook_tokens: Option<Tokens>,
    /// What a reader has to present one of, if anything.
    pub read_tokens: Option<Tokens>,
    /// What request bodies may cost.
    pub body_limits: BodyLimits,
    /// The memory for answers that wait for their readers.
    pub answers: Budget,
}
