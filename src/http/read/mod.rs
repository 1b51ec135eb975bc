//! Reading the runs: as JSON, by waiting, as streams of events.

pub(super) mod events;
mod list;
mod run_json;
pub(super) mod runs;
mod view;
