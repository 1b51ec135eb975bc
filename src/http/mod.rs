//! The HTTP server.
//!
//! The modules are declared from the entry point down; each uses only those of later groups.
//! `.github/CONTRIBUTING.md` says what each is for.

mod connection;

mod router;

mod ops;
mod page;
mod read;
mod webhook;

mod openapi;

mod edge;

mod app;

mod document;

mod limits;
mod params;

mod problem;

mod json;
mod media;

pub use self::{
    app::{App, Runs},
    connection::{ConnectionLimits, Timeouts, serve},
    edge::Edge,
    router::routes,
};

/// The path to which ComfyDeploy sends its updates.
pub const WEBHOOK_PATH: &str = WEBHOOK_PATHS[0];

/// Every path that takes updates. ComfyDeploy's API reference prints the path without `/api`.
const WEBHOOK_PATHS: [&str; 4] = [
    "/api/webhooks/run-update",
    "/api/webhooks/run-update/",
    "/webhooks/run-update",
    "/webhooks/run-update/",
];

/// The path of the liveness probe.
const HEALTH_PATH: &str = "/healthz";

/// The path of the readiness probe.
pub const READY_PATH: &str = "/readyz";
