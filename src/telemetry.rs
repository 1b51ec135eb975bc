//! Logging to standard output.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing_subscriber::{EnvFilter, filter::ParseError};

/// Starts logging what passes `filter`, as text or as JSON objects.
///
/// # Errors
/// When `filter` is invalid.
pub fn start(filter: &str, json: bool) -> Result<(), ParseError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(io::stdout().is_terminal())
        // They would be written to standard error, which panics once nothing reads it any more.
        .log_internal_errors(false);
    if json {
        lines.json().init();
    } else {
        lines.init();
    }
    Ok(())
}

/// A rate limit for log lines that a client can cause, so that no client can fill the disk. It counts the
/// lines it suppresses.
// `governor` would do this too, but it adds several crates and does not count what it suppresses.
#[derive(Debug)]
pub struct LogRateLimit(Mutex<Second>);

#[derive(Debug)]
struct Second {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl LogRateLimit {
    const LINES_PER_SECOND: u32 = 10;

    /// A limit that has let no line through yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(Second {
            since: Instant::now(),
            lines: 0,
            suppressed: 0,
        }))
    }

    /// Calls `write` with the number of lines suppressed since the last one, unless it suppresses this line.
    pub fn line(&self, write: impl FnOnce(u64)) {
        if let Some(suppressed) = self.admit(Instant::now()) {
            write(suppressed);
        }
    }

    fn admit(&self, now: Instant) -> Option<u64> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(second.since) >= Duration::from_secs(1) {
            (second.since, second.lines) = (now, 0);
        }
        if second.lines == Self::LINES_PER_SECOND {
            second.suppressed += 1;
            return None;
        }
        second.lines += 1;
        Some(std::mem::take(&mut second.suppressed))
    }
}

impl Default for LogRateLimit {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_pass_and_the_others_are_counted() {
        let limit = LogRateLimit::new();
        let begin = limit.0.lock().unwrap().since;
        let passed: Vec<_> = (0..25).filter_map(|_| limit.admit(begin)).collect();
        assert_eq!(passed, [0; 10]);
        assert_eq!(limit.admit(begin + Duration::from_millis(999)), None);
        assert_eq!(limit.admit(begin + Duration::from_secs(1)), Some(16));
        assert_eq!(limit.admit(begin + Duration::from_secs(1)), Some(0));
    }
}
