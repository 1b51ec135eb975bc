//! Reading the runs: as JSON, by waiting, as streams of events.

pub(in crate::http) mod events;
pub(in crate::http) mod runs;
pub(in crate::http) mod wait;
