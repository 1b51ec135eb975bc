//! comfydeploy-webhook receives ComfyDeploy's run-status webhooks, keeps the state of every run in
//! memory, and shows it.
//!
//! The rooms of the house, from the door to the cellar. Each uses only what is below it, and
//! `tests/it/layers.rs` says so:
//!
//! - `main.rs`: arguments in, exit code out
//! - [`server`]: assembles, serves, drains; [`healthcheck`] asks a running one, [`simulate`] plays runs to
//!   it
//! - [`http`]: everything that knows HTTP; its first page is the whole API
//! - [`ingest`]: the only way an update gets in
//! - [`store`]: the runs in memory, bounded
//! - [`run`]: what a run is, and the join that merges its updates; pure
//! - [`config`]: flags and variables
//! - [`client`], [`metrics`], [`shutdown`], [`telemetry`], [`tokens`]: leaves, which use nothing of the
//!   crate

#![cfg_attr(
    test,
    expect(clippy::unwrap_used, reason = "a test fails by panicking")
)]

pub mod cli;

pub mod healthcheck;
pub mod server;
pub mod simulate;

pub mod http;

pub mod ingest;

pub mod store;

pub mod run;

pub mod config;

pub mod metrics;
pub mod net;
pub mod shutdown;
pub mod telemetry;
pub mod tokens;

#[cfg(test)]
mod testing;
