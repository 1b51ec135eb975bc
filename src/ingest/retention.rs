//! The time by which runs in the database expire.

use std::time::{Duration, Instant};

use crate::run::Timestamp;

/// The system's clock, but while the service runs it never goes faster than a monotonic clock. A clock that is set forward
/// by mistake, or set right after it was wrong, removes no run before its time.
#[derive(Debug)]
pub(super) struct RetentionClock {
    now: jiff::Timestamp,
    at: Instant,
}

impl RetentionClock {
    pub(super) fn new() -> Self {
        Self {
            now: jiff::Timestamp::now(),
            at: Instant::now(),
        }
    }

    /// The time before which runs are expired that were updated last then.
    pub(super) fn expired(&mut self, retention: Duration) -> Timestamp {
        self.advance(jiff::Timestamp::now(), Instant::now());
        let expired = self.now.checked_sub(retention);
        Timestamp::from(expired.unwrap_or(jiff::Timestamp::MIN))
    }

    fn advance(&mut self, now: jiff::Timestamp, at: Instant) {
        let elapsed = at.duration_since(self.at);
        let most = self.now.checked_add(elapsed);
        self.now = most.map_or(now, |most| most.min(now));
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_systems_clock_but_never_jumps_forward() {
        let mut clock = RetentionClock::new();
        let (begin, start) = (clock.now, clock.at);
        for (system, monotonic, expected) in [
            (10, 10, 10),
            (3_000_000, 20, 20),
            (30, 30, 30),
            (5, 40, 5),
            (50, 50, 15),
        ] {
            let system = begin + Duration::from_secs(system);
            clock.advance(system, start + Duration::from_secs(monotonic));
            assert_eq!(clock.now, begin + Duration::from_secs(expected));
        }
    }
}
