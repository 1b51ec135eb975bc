//! Log lines, to standard output.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, filter::ParseError};

/// Starts logging what `filter` lets through, as JSON objects or as text.
///
/// # Errors
/// When the filter is not one.
pub fn start(filter: &str, json: bool) -> Result<(), ParseError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(io::stdout().is_terminal())
        // They would go to standard error, and end the task that logs where nobody reads that.
        .log_internal_errors(false);
    if json {
        lines.json().init();
    } else {
        lines.init();
    }
    Ok(())
}
