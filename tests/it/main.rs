//! Tests of the service through real sockets, and of what the files of the project must agree on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod bodies;
mod browser;
mod clients;
mod connections;
mod cors;
mod fuzz;
mod harness;
mod in_flight;
mod layers;
mod lists;
mod log;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod openapi;
mod packaging;
mod page;
mod process;
mod protocol;
mod readme;
mod rejections;
mod secrecy;
mod simulate;
mod sse;
mod store_limits;
mod streams;
mod subscribers;
mod tokens;
mod waiting;
mod webhook;
