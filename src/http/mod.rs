//! Everything that knows HTTP.
//!
//! The modules from the entry point down; each uses only those of later groups:
//!
//! - `connection`: accepting, timeouts, the socket
//! - `router`: every route, on one page
//! - `webhook`: the endpoint that ComfyDeploy sends updates to; `read`: runs as JSON and as streams; `ops`:
//!   probes and metrics; `page`: the live page
//! - `openapi`: the description of the API
//! - `edge`: what is done for every request; tokens and CORS
//! - `app`: what the handlers share
//! - `limits`: what requests may cost together; `params`: typed parameters of paths and queries
//! - `problem`: every way to fail

mod connection;

mod router;

mod ops;
mod page;
mod read;
mod webhook;

mod openapi;

mod edge;

mod app;

mod limits;
mod params;

mod problem;

pub use self::{
    app::App,
    connection::{ConnectionLimits, Timeouts, serve},
    edge::Edge,
    router::routes,
};

/// The path to which ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = "/api/webhooks/run-update";

/// The path of the readiness probe.
pub const READY_PATH: &str = "/readyz";
