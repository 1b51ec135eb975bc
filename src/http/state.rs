//! What the handlers share.

use std::sync::Arc;

use super::body::BodyLimits;
use crate::{ingest::Ingest, store::Store};

/// What the handlers share.
#[derive(Debug)]
pub struct App {
    /// The way in.
    pub ingest: Ingest,
    /// The runs to show.
    pub store: Arc<Store>,
    /// What a request body may cost.
    pub body_limits: BodyLimits,
}
