//! comfydeploy-webhook receives ComfyDeploy's run-status webhooks, keeps the state of every run, in
//! memory or in a database, and shows it.
//!
//! The modules, entry point first. Each uses only modules of later groups, in the order in which they are declared
//! below; `tests/it/layers.rs` checks that.
//!
//! - `main.rs`, [`cli`]: arguments in, exit code out
//! - [`server`]: assembles, serves, drains; [`healthcheck`] and [`simulate`] are the other commands
//! - [`http`]: the HTTP server
//! - [`ingest`]: the only way of updates into the database and the store; [`lookup`]: the way to one run in either
//! - [`database`]: the runs on disk
//! - [`store`]: the runs in memory, within limits, and the feed of their changes
//! - [`run`]: what a run is, and the join that merges its updates; pure
//! - [`config`]: flags and variables
//! - [`hosts`], [`listen`], [`memory`], [`metrics`], [`net`], [`shutdown`], [`telemetry`], [`tokens`]: leaves, which use
//!   nothing of the crate

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
pub mod lookup;

pub mod database;

pub mod store;

pub mod run;

pub mod config;

pub mod hosts;
pub mod listen;
pub mod memory;
pub mod metrics;
pub mod net;
pub mod shutdown;
pub mod telemetry;
pub mod tokens;

#[cfg(test)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(unused, reason = "tests of the database alone use some of it")
)]
mod testing;
