//! Bounding the work that is done for subscribers, for each and for all together, so that no number of
//! changes lets them slow down updates.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// What something costs in time: of the one subscriber's, and of that of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    own: Duration,
    all: Duration,
}

/// To wake up for a change: at most 100 times a second, and 5,000 for all. What changes faster is told
/// together.
pub(super) const WAKING: Cost = Cost {
    own: Duration::from_millis(10),
    all: Duration::from_micros(200),
};

/// To tell an event: at most 5,000 a second, and 50,000 to all.
const EVENT: Cost = Cost {
    own: Duration::from_micros(200),
    all: Duration::from_micros(20),
};

/// To tell a KiB: at most 10 MiB a second, and 100 MiB to all.
const KIB: Cost = Cost {
    own: Duration::from_micros(100),
    all: Duration::from_micros(10),
};

/// How much may be done ahead of time for one: 50 changes that come one by one, or the first 2,500 runs.
const OWN_BURST: Duration = Duration::from_millis(500);

/// How much may be done ahead of time for all.
const BURST_OF_ALL: Duration = Duration::from_millis(100);

/// What one takes at a time of what may be done for all, so that it does much between two pauses.
const PORTION: Duration = Duration::from_millis(2);

/// The least pause where too much was done, so that there are not many small ones.
const PAUSE: Duration = Duration::from_millis(10);

/// The time that was given out, and until when that lasts.
#[derive(Debug)]
struct Account {
    paid_until: Instant,
    burst: Duration,
}

impl Account {
    fn new(burst: Duration) -> Self {
        Self {
            paid_until: Instant::now(),
            burst,
        }
    }

    /// Takes `cost`; says for how long to pause where there is no more.
    fn take(&mut self, now: Instant, cost: Duration) -> Option<Duration> {
        self.paid_until = self.paid_until.max(now) + cost;
        let ahead = self.paid_until - now;
        ahead.checked_sub(self.burst).map(|over| over + PAUSE)
    }
}

/// What is done for all subscribers.
#[derive(Debug, Clone)]
pub(super) struct Pacer(Arc<Mutex<Account>>);

impl Pacer {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Account::new(BURST_OF_ALL))))
    }

    /// For one subscriber.
    pub(super) fn pace(&self) -> Pace {
        Pace {
            own: Account::new(OWN_BURST),
            portion: Duration::ZERO,
            all: self.clone(),
        }
    }

    fn take(&self, now: Instant, cost: Duration) -> Option<Duration> {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        account.take(now, cost)
    }
}

/// What is done for one subscriber.
#[derive(Debug)]
pub(super) struct Pace {
    own: Account,
    /// What is left of the portion that was taken last.
    portion: Duration,
    all: Pacer,
}

impl Pace {
    /// Pays for an event of so many bytes.
    pub(super) async fn event(&mut self, bytes: usize) {
        let kibs = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        self.pay(Cost {
            own: EVENT.own + KIB.own * kibs,
            all: EVENT.all + KIB.all * kibs,
        })
        .await;
    }

    /// Waits until there is time again, if it was used up.
    pub(super) async fn pay(&mut self, cost: Cost) {
        if let Some(pause) = self.take(Instant::now(), cost) {
            sleep(pause).await;
        }
    }

    fn take(&mut self, now: Instant, cost: Cost) -> Option<Duration> {
        let pause = self.own.take(now, cost.own);
        if let Some(left) = self.portion.checked_sub(cost.all) {
            self.portion = left;
            return pause;
        }
        let more = PORTION.max(cost.all);
        self.portion = (self.portion + more).saturating_sub(cost.all);
        pause.max(self.all.take(now, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many events after each other, and gives the time that takes.
    fn time(paces: &mut [Pace], events: usize) -> Duration {
        let begin = Instant::now();
        let mut clocks = vec![begin; paces.len()];
        for _ in 0..events {
            for (pace, now) in paces.iter_mut().zip(&mut clocks) {
                if let Some(pause) = pace.take(*now, EVENT) {
                    assert!(pause >= PAUSE);
                    *now += pause;
                }
            }
        }
        clocks.into_iter().max().unwrap() - begin
    }

    #[test]
    fn a_burst_is_free_and_what_goes_on_is_told_at_its_pace() {
        let mut one = [Pacer::new().pace()];
        assert_eq!(time(&mut one, 2_400), Duration::ZERO);
        let took = time(&mut one, 10_000).as_millis();
        assert!((1_900..2_100).contains(&took), "{took}");
    }

    #[test]
    fn many_share_what_may_be_done_for_all() {
        let pacer = Pacer::new();
        let mut many: Vec<_> = (0..100).map(|_| pacer.pace()).collect();
        let took = time(&mut many, 1_000).as_millis();
        assert!((1_800..2_200).contains(&took), "{took}");
    }
}
