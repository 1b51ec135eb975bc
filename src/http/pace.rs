//! Bounding the work that is done for one subscriber, so that no number of changes lets subscribers slow
//! down updates.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What it costs to wake up for a change: at most 100 times a second. What changes faster is told
/// together.
pub(super) const WAKING: Duration = Duration::from_millis(10);

/// What it costs to tell an event: at most 5,000 a second.
const EVENT: Duration = Duration::from_micros(200);

/// What it costs to tell a KiB: at most 10 MiB a second.
const KIB: Duration = Duration::from_micros(100);

/// How much may be done ahead of time: 50 changes that come one by one, or the first 2,500 runs.
const BURST: Duration = Duration::from_millis(500);

/// The least pause where too much was done, so that there are not many small ones.
const PAUSE: Duration = Duration::from_millis(20);

/// An account of what is done for a subscriber, in time.
#[derive(Debug)]
pub(super) struct Pace {
    paid_until: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            paid_until: Instant::now(),
        }
    }

    /// Pays for an event of so many bytes.
    pub(super) async fn event(&mut self, bytes: usize) {
        let kibs = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        self.pay(EVENT + KIB * kibs).await;
    }

    /// Waits until the time is there, if it was used up.
    pub(super) async fn pay(&mut self, cost: Duration) {
        if let Some(pause) = self.owe(Instant::now(), cost) {
            sleep(pause).await;
        }
    }

    fn owe(&mut self, now: Instant, cost: Duration) -> Option<Duration> {
        self.paid_until = self.paid_until.max(now) + cost;
        let ahead = self.paid_until - now;
        ahead.checked_sub(BURST).map(|over| over + PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_goes_on_is_told_at_its_pace() {
        let mut pace = Pace::new();
        let mut now = pace.paid_until;
        assert!((0..2_499).all(|_| pace.owe(now, EVENT).is_none()));
        let begin = now;
        for _ in 0..10_000 {
            if let Some(pause) = pace.owe(now, EVENT) {
                assert!(pause >= PAUSE);
                now += pause;
            }
        }
        let took = now - begin;
        assert!((1_900..2_100).contains(&took.as_millis()), "{took:?}");
    }
}
