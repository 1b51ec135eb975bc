//! What requests may cost together: memory in flight, bodies, responses, streams.

pub(in crate::http) mod body;
pub(in crate::http) mod memory;
pub(in crate::http) mod rate;
pub(in crate::http) mod response;
pub(in crate::http) mod subscribers;
