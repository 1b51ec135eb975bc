//! The time by which runs in the database expire.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use crate::run::Timestamp;

/// How far ahead of a monotonic clock the system's clock may be at once: it is also corrected in small steps.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// The system's clock, but one that was set forward is not believed before the retention time has passed. It may be wrong,
/// or it was wrong before: by it, runs that were just updated would have expired long ago.
#[derive(Debug)]
pub(super) struct RetentionClock {
    retention: Duration,
    now: jiff::Timestamp,
    at: Instant,
    doubt: Option<Doubt>,
}

/// The system's clock was set forward to this time.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    system: jiff::Timestamp,
    at: Instant,
}

impl RetentionClock {
    pub(super) fn new(retention: Duration) -> Self {
        Self {
            retention,
            now: jiff::Timestamp::now(),
            at: Instant::now(),
            doubt: None,
        }
    }

    /// Runs that were updated last before this time are expired.
    pub(super) fn expired(&mut self) -> Timestamp {
        self.advance(jiff::Timestamp::now(), Instant::now());
        let expired = self.now.checked_sub(self.retention);
        Timestamp::from(expired.unwrap_or(jiff::Timestamp::MIN))
    }

    fn advance(&mut self, now: jiff::Timestamp, at: Instant) {
        let after = |time: jiff::Timestamp, since: Instant| {
            time.checked_add(at.duration_since(since)).unwrap_or(now)
        };
        let is_ahead = |expected: jiff::Timestamp| now.duration_since(expected) > TOLERANCE;
        let expected = after(self.now, self.at);
        self.at = at;
        if !is_ahead(expected) {
            self.now = now;
            self.doubt = None;
            return;
        }
        self.now = expected;
        // One that is set forward again is another clock.
        let same = self
            .doubt
            .filter(|doubt| !is_ahead(after(doubt.system, doubt.at)));
        let doubt = *self.doubt.insert(same.unwrap_or(Doubt { system: now, at }));
        if at.duration_since(doubt.at) >= self.retention {
            self.now = now;
            self.doubt = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the clock says after each of these: seconds of the system's clock, and of the monotonic clock.
    fn times(retention: u64, readings: &[(f64, f64)]) -> Vec<f64> {
        let mut clock = RetentionClock::new(Duration::from_secs(retention));
        let (begin, start) = (clock.now, clock.at);
        let time = |&(system, monotonic)| {
            let system = begin + Duration::from_secs_f64(system);
            clock.advance(system, start + Duration::from_secs_f64(monotonic));
            clock.now.duration_since(begin).as_secs_f64()
        };
        readings.iter().map(time).collect()
    }

    #[test]
    fn a_clock_that_is_set_forward_is_believed_after_the_retention_time() {
        let readings = [
            (10.0, 10.0),
            (3_000_000.0, 20.0),
            (30.0, 30.0),
            (5.0, 40.0),
            (3_000_050.0, 50.0),
            (3_000_149.0, 149.0),
            (3_000_150.0, 150.0),
            (3_000_160.0, 160.0),
        ];
        let expected = [10.0, 20.0, 30.0, 5.0, 15.0, 114.0, 3_000_150.0, 3_000_160.0];
        assert_eq!(times(100, &readings), expected);
    }

    #[test]
    fn a_clock_that_is_a_little_ahead_is_believed_at_once() {
        let readings = [
            (10.1, 10.0),
            (99.0, 98.5),
            (3_000_120.0, 120.0),
            (3_000_200.0, 200.0),
        ];
        assert_eq!(times(100, &readings), [10.1, 99.0, 120.5, 200.5]);
    }

    #[test]
    fn a_clock_that_is_set_forward_twice_is_doubted_anew() {
        let readings = [
            (1_000.0, 10.0),
            (3_000_090.0, 90.0),
            (3_000_110.0, 110.0),
            (3_000_190.0, 190.0),
        ];
        assert_eq!(times(100, &readings), [10.0, 90.0, 110.0, 3_000_190.0]);
    }
}
