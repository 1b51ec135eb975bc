//! Tests of the service through real sockets, and of what the files of the project must agree on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod bodies;
mod browser;
mod clients;
mod command_line;
mod connections;
mod cors;
#[cfg(feature = "sqlite")]
mod database;
mod database_url;
#[cfg(feature = "sqlite")]
mod durability;
mod full;
mod fuzz;
mod harness;
mod hosts;
mod in_flight;
mod labels;
mod layers;
mod lists;
mod log;
mod media_types;
#[cfg(all(target_os = "linux", feature = "jemalloc"))]
mod memory;
mod metrics;
mod misdirected;
#[cfg(not(feature = "sqlite"))]
mod no_sqlite;
mod openapi;
mod packaging;
mod page;
mod page_headers;
#[cfg(target_os = "linux")]
mod pipelined;
mod problem_pages;
mod process;
mod protocol;
#[cfg(feature = "sqlite")]
mod readme;
mod reasons;
mod rejections;
mod resuming;
mod runs;
mod secrecy;
mod service;
mod simulate;
mod sse;
mod store_limits;
mod streams;
mod subscribers;
mod tokens;
mod unread;
mod variables;
mod waiting;
mod webhook;
