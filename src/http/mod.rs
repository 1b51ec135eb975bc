//! Everything that knows HTTP.

mod connection;
mod router;

mod openapi;
mod ops;
mod page;
mod read;
mod webhook;

mod edge;

mod app;

mod limits;
mod params;
mod problem;

pub use self::{
    app::{App, WEBHOOK_PATH},
    connection::{ConnectionLimits, Patience, serve},
    router::{READY_PATH, router},
};
