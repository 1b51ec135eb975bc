//! What is done for every route: who may call, durations, panics.

pub(in crate::http) mod auth;
pub(in crate::http) mod cors;
pub(in crate::http) mod metrics;
pub(in crate::http) mod panic;
