//! Log lines, to standard output.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

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

/// Lets some lines a second into the log and counts the rest: what anyone on the internet can cause is
/// not to fill a disk.
#[derive(Debug)]
pub struct Throttle(Mutex<Second>);

#[derive(Debug)]
struct Second {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Throttle {
    const LINES: u32 = 10;

    /// With nothing let through yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(Second {
            since: Instant::now(),
            lines: 0,
            left_out: 0,
        }))
    }

    /// Calls `write` with how many lines were left out since the last one, unless this one is, too.
    pub fn line(&self, write: impl FnOnce(u64)) {
        if let Some(left_out) = self.admit(Instant::now()) {
            write(left_out);
        }
    }

    fn admit(&self, now: Instant) -> Option<u64> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(second.since) >= Duration::from_secs(1) {
            (second.since, second.lines) = (now, 0);
        }
        if second.lines == Self::LINES {
            second.left_out += 1;
            return None;
        }
        second.lines += 1;
        Some(std::mem::take(&mut second.left_out))
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_pass_and_the_rest_is_counted() {
        let throttle = Throttle::new();
        let begin = throttle.0.lock().unwrap().since;
        let passed: Vec<_> = (0..25).filter_map(|_| throttle.admit(begin)).collect();
        assert_eq!(passed, [0; 10]);
        assert_eq!(throttle.admit(begin + Duration::from_millis(999)), None);
        assert_eq!(throttle.admit(begin + Duration::from_secs(1)), Some(16));
        assert_eq!(throttle.admit(begin + Duration::from_secs(1)), Some(0));
    }
}
