//! Whether the service does its work.

use crate::database::Cause;

/// Whether updates can be accepted and all runs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// The store is being filled from the database. Updates wait until it is.
    Restoring,
    /// They can.
    Ready,
    /// The database cannot be written for now.
    Failing(Cause),
}
