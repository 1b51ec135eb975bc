//! Everything that knows HTTP.
//!
//! The modules from the entry point down; each uses only those of later groups:
//!
//! - `router`: every route, on one page
//! - `webhook`: the endpoint that ComfyDeploy sends updates to; `read`: runs as JSON and as streams; `ops`:
//!   probes and metrics; `page`: the live page
//! - `openapi`: the description of the API
//! - `edge`: what is done for every request, and who may call
//! - `app`: what the handlers share
//! - `limits`: what requests may cost together
//! - `params`: typed parameters of paths and queries
//! - `problem`: every way to fail
//! - `connection`: accepting, timeouts, the socket

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

mod connection;

pub use self::{
    app::App,
    connection::{ConnectionLimits, Timeouts, serve},
    router::router,
};

/// Where ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = "/api/webhooks/run-update";

/// Whether updates are accepted.
pub const READY_PATH: &str = "/readyz";
