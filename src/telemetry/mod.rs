//! Logging to standard output.

mod lines;

use std::{
    error::Error,
    io::{self, IsTerminal},
    panic,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tracing::{error, field::display};
use tracing_subscriber::EnvFilter;

pub use self::lines::Lines;

/// The log, once it is started.
static LOG: OnceLock<Arc<Lines>> = OnceLock::new();

/// Waits at its end until the log is written, for a second at most.
#[derive(Debug)]
pub struct LogGuard(Arc<Lines>);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Lines of the log that were left out because nothing read them fast enough, or at all.
#[must_use]
pub fn lines_left_out() -> u64 {
    LOG.get().map_or(0, |log| log.left_out())
}

/// Starts logging what passes `filter`, as text or as JSON objects. Nothing waits for the reader of the log.
///
/// # Errors
/// When `filter` is invalid, or the system starts no thread.
pub fn start(filter: &str, json: bool) -> Result<LogGuard, Box<dyn Error>> {
    let filter = EnvFilter::try_new(filter)?;
    let log = Lines::to(io::stdout())?;
    let lines = tracing_subscriber::fmt()
        .with_writer(Arc::clone(&log))
        .with_env_filter(filter)
        .with_ansi(io::stdout().is_terminal())
        // They would be written to standard error, which panics once nothing reads it any more.
        .log_internal_errors(false);
    if json {
        lines.json().init();
    } else {
        lines.init();
    }
    log_panics();
    LOG.get_or_init(|| Arc::clone(&log));
    Ok(LogGuard(log))
}

/// Logs panics, instead of writing them to standard error, for whose reader a thread that panics would wait.
fn log_panics() {
    let limit = LogRateLimit::new();
    panic::set_hook(Box::new(move |panic| {
        limit.line(|suppressed| {
            let place = panic.location().map(display);
            let text = panic.payload_as_str();
            error!(place, text, suppressed, "panicked");
        });
    }));
}

/// A rate limit for log lines that a client can cause, so that no client can fill the disk. It counts the
/// lines it suppresses.
// `governor` would do this too, but it adds several crates and does not count what it suppresses.
#[derive(Debug)]
pub struct LogRateLimit {
    lines: u32,
    interval: Duration,
    current: Mutex<Interval>,
}

#[derive(Debug)]
struct Interval {
    /// Its first line.
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl LogRateLimit {
    /// Ten lines a second.
    #[must_use]
    pub fn new() -> Self {
        Self::lines_per(10, Duration::from_secs(1))
    }

    /// For lines about a condition that lasts.
    #[must_use]
    pub fn one_a_minute() -> Self {
        Self::lines_per(1, Duration::from_mins(1))
    }

    fn lines_per(lines: u32, interval: Duration) -> Self {
        Self {
            lines,
            interval,
            current: Mutex::new(Interval {
                since: Instant::now(),
                lines: 0,
                suppressed: 0,
            }),
        }
    }

    /// Calls `write` with the number of lines suppressed since the last one, unless it suppresses this line.
    pub fn line(&self, write: impl FnOnce(u64)) {
        if let Some(suppressed) = self.admit(Instant::now()) {
            write(suppressed);
        }
    }

    fn admit(&self, now: Instant) -> Option<u64> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.lines == 0 || now.duration_since(current.since) >= self.interval {
            (current.since, current.lines) = (now, 0);
        }
        if current.lines == self.lines {
            current.suppressed += 1;
            return None;
        }
        current.lines += 1;
        Some(std::mem::take(&mut current.suppressed))
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
        let begin = Instant::now();
        let passed: Vec<_> = (0..25).filter_map(|_| limit.admit(begin)).collect();
        assert_eq!(passed, [0; 10]);
        assert_eq!(limit.admit(begin + Duration::from_millis(999)), None);
        assert_eq!(limit.admit(begin + Duration::from_secs(1)), Some(16));
        assert_eq!(limit.admit(begin + Duration::from_secs(1)), Some(0));
    }

    #[test]
    #[ignore = "its process panics; the next test runs it"]
    fn panicking() {
        let log = start("info", false).unwrap();
        let panicked = std::thread::spawn(|| panic!("a test asked for it")).join();
        assert!(panicked.is_err());
        drop(log);
    }

    #[test]
    fn a_panic_is_a_line_of_the_log_and_writes_nothing_to_standard_error() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telemetry::tests::panicking", "--ignored"])
            .arg("--nocapture")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let [log, errors] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        let line = log.lines().find(|line| line.contains("panicked"));
        let line = line.unwrap_or_else(|| panic!("{log}"));
        for part in [
            "ERROR",
            "place=src/telemetry/mod.rs:",
            "a test asked for it",
        ] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!errors.contains("a test asked for it"), "{errors}");
    }

    #[test]
    fn the_interval_begins_with_its_first_line() {
        let limit = LogRateLimit::one_a_minute();
        let begin = Instant::now() + Duration::from_secs(59);
        for (seconds, expected) in [
            (0, Some(0)),
            (2, None),
            (59, None),
            (60, Some(2)),
            (61, None),
        ] {
            let now = begin + Duration::from_secs(seconds);
            assert_eq!(limit.admit(now), expected, "{seconds}");
        }
    }
}
