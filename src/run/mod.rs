//! What a run is: parsing an update, and the join that merges it. Pure: no tokio, no axum, no clock,
//! no I/O.

mod diagnose;
mod id;
#[cfg(test)]
mod laws;
mod output;
mod outputs;
mod parse;
mod progress;
mod sent_outputs;
mod state;
mod status;
mod time;
mod update;

pub use diagnose::ParseError;
pub use id::RunId;
pub use output::Output;
pub use outputs::Outputs;
pub use parse::FromText;
pub use progress::Progress;
pub use sent_outputs::SentOutputs;
pub use state::Run;
pub use status::{PlatformStatus, Status};
pub use time::{Seen, Timestamp};
pub use update::{Dialect, Update};
