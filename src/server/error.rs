//! Why the service cannot go on.

use std::{error::Error, fmt, io};

use crate::database::OpenError;

/// Why the service cannot go on.
#[derive(Debug)]
pub enum ServeError {
    /// The system does not let it.
    Io(io::Error),
    /// The database cannot be used.
    Database(OpenError),
    /// The thread that commits has ended. The log says why.
    CommitterEnded,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot serve: {error}"),
            Self::Database(error) => write!(f, "cannot use the database {error}"),
            Self::CommitterEnded => {
                f.write_str("cannot commit any more: a thread has failed; the log says why")
            }
        }
    }
}

impl Error for ServeError {}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<OpenError> for ServeError {
    fn from(error: OpenError) -> Self {
        Self::Database(error)
    }
}
