//! What requests may cost together: memory in flight, bodies, responses, streams.

pub(super) mod body;
pub(super) mod frames;
pub(super) mod memory;
pub(super) mod pieces;
pub(super) mod rate;
pub(super) mod subscribers;
