//! What a run is: parsing an update, and the join that merges it into the run. Pure: no tokio, no axum,
//! no clock, no I/O.

mod id;
mod id_prefix;
mod labels;
#[cfg(test)]
mod laws;
mod mistakes;
mod output;
mod output_changes;
mod output_list;
mod outputs;
mod parse_error;
mod progress;
mod readable;
mod seen;
mod signing;
mod state;
mod status;
mod text;
mod timestamp;
mod update;
mod update_outputs;

pub use id::RunId;
pub use id_prefix::RunIdPrefix;
pub use labels::{Label, Labels};
pub use output::Output;
pub use output_changes::OutputChange;
pub use outputs::{Outputs, WeakOutputs};
pub use parse_error::ParseError;
pub use progress::Progress;
pub use seen::Seen;
pub use state::{Merged, Run, RunParts};
pub use status::{PlatformStatus, Status};
pub use text::FromText;
pub(crate) use text::deserialize_from_text;
pub use timestamp::Timestamp;
pub use update::{Dialect, Update};
pub use update_outputs::UpdateOutputs;
