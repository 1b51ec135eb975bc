//! The time by which runs in the database expire.

use std::time::{Duration, Instant};

use crate::run::Timestamp;

/// The system's clock, but one that was set forward is not believed before the retention time has passed. It may be wrong,
/// or it was wrong before: by it, runs that were just updated would have expired long ago.
#[derive(Debug)]
pub(super) struct RetentionClock {
    retention: Duration,
    now: jiff::Timestamp,
    at: Instant,
    /// When it was set forward.
    set_forward: Option<Instant>,
}

impl RetentionClock {
    pub(super) fn new(retention: Duration) -> Self {
        Self {
            retention,
            now: jiff::Timestamp::now(),
            at: Instant::now(),
            set_forward: None,
        }
    }

    /// Runs that were updated last before this time are expired.
    pub(super) fn expired(&mut self) -> Timestamp {
        self.advance(jiff::Timestamp::now(), Instant::now());
        let expired = self.now.checked_sub(self.retention);
        Timestamp::from(expired.unwrap_or(jiff::Timestamp::MIN))
    }

    fn advance(&mut self, now: jiff::Timestamp, at: Instant) {
        let elapsed = at.duration_since(self.at);
        let expected = self.now.checked_add(elapsed).unwrap_or(now);
        let since = (now > expected).then(|| self.set_forward.unwrap_or(at));
        let doubted = since.filter(|&since| at.duration_since(since) < self.retention);
        self.now = if doubted.is_some() { expected } else { now };
        self.at = at;
        self.set_forward = doubted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_forward_is_believed_after_the_retention_time() {
        let mut clock = RetentionClock::new(Duration::from_secs(100));
        let (begin, start) = (clock.now, clock.at);
        for (system, monotonic, expected) in [
            (10, 10, 10),
            (3_000_000, 20, 20),
            (30, 30, 30),
            (5, 40, 5),
            (3_000_050, 50, 15),
            (3_000_149, 149, 114),
            (3_000_150, 150, 3_000_150),
            (3_000_160, 160, 3_000_160),
        ] {
            let system = begin + Duration::from_secs(system);
            clock.advance(system, start + Duration::from_secs(monotonic));
            assert_eq!(clock.now, begin + Duration::from_secs(expected));
        }
    }
}
