//! Reading the runs: as JSON, by waiting, as streams of events.

pub(super) mod events;
pub(super) mod runs;
mod view;
