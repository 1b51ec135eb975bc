//! Reading the runs: as JSON, by waiting, as streams of events.

pub(super) mod events;
mod list;
pub(super) mod runs;
pub(super) mod service;
mod text;
mod view;
