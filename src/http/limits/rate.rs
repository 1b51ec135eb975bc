//! Bounding the work that is done for subscribers, for each and for all together, so that no number of
//! changes lets them slow down updates.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync,
    time::{Instant, sleep},
};

/// What something costs in time: of the one subscriber's, and of that of all.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Cost {
    own: Duration,
    all: Duration,
}

/// To wake up for a change: at most 100 times a second, and 5,000 for all. What changes faster is told
/// together.
pub(in crate::http) const WAKING: Cost = Cost {
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

    /// Takes `cost`, even where there is no more.
    fn take(&mut self, now: Instant, cost: Duration) {
        self.paid_until = self.paid_until.max(now) + cost;
    }

    /// For how long to pause, where there is no more to take.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let ahead = self.paid_until.saturating_duration_since(now);
        ahead.checked_sub(self.burst).map(|over| over + PAUSE)
    }
}

/// What is done for all subscribers, who take turns. Nobody leaves a debt behind, so whoever wants a portion
/// waits at the most for one of each of those who are there.
#[derive(Debug)]
pub(in crate::http) struct Pacer {
    account: Mutex<Account>,
    /// Held by whoever is next, until there is time; the others stand in line for it.
    turn: sync::Mutex<()>,
}

impl Pacer {
    pub(in crate::http) fn new() -> Arc<Self> {
        Arc::new(Self {
            account: Mutex::new(Account::new(BURST_OF_ALL)),
            turn: sync::Mutex::new(()),
        })
    }

    /// For one subscriber.
    pub(in crate::http) fn pace(self: &Arc<Self>) -> Pace {
        Pace {
            own: Account::new(OWN_BURST),
            portion: Duration::ZERO,
            all: Arc::clone(self),
        }
    }

    /// A portion, once it is the subscriber's turn. Until then it has taken nothing, and may leave.
    async fn portion(&self) -> Duration {
        let _turn = self.turn.lock().await;
        let pause = self.account().pause(Instant::now());
        if let Some(pause) = pause {
            sleep(pause).await;
        }
        self.account().take(Instant::now(), PORTION);
        PORTION
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done for one subscriber.
#[derive(Debug)]
pub(in crate::http) struct Pace {
    own: Account,
    /// What is left of the portion that was taken last.
    portion: Duration,
    all: Arc<Pacer>,
}

impl Pace {
    /// Pays for an event of so many bytes.
    pub(in crate::http) async fn event(&mut self, bytes: usize) {
        let kibs = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        self.pay(Cost {
            own: EVENT.own + KIB.own * kibs,
            all: EVENT.all + KIB.all * kibs,
        })
        .await;
    }

    /// Waits until there is time again, if it was used up.
    pub(in crate::http) async fn pay(&mut self, cost: Cost) {
        self.own.take(Instant::now(), cost.own);
        let mut owed = cost.all;
        // Much is paid for in many turns, between which others have theirs.
        while owed > self.portion {
            owed -= mem::take(&mut self.portion);
            self.portion = self.all.portion().await;
        }
        self.portion -= owed;
        let pause = self.own.pause(Instant::now());
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
}

impl Drop for Pace {
    /// Leaves what it has taken and not used to the others.
    fn drop(&mut self) {
        self.all.account().paid_until -= self.portion;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeSet};

    use futures_util::{FutureExt as _, future::join_all};
    use tokio::time::timeout;

    use super::*;

    /// Takes so many events after each other, and gives the time that takes.
    async fn time(paces: &mut [Pace], events: usize) -> Duration {
        let begin = Instant::now();
        let taken = paces.iter_mut().map(async |pace| {
            let mut times = BTreeSet::new();
            for _ in 0..events {
                pace.event(0).await;
                times.insert(Instant::now());
            }
            times
        });
        let times: BTreeSet<_> = join_all(taken).await.into_iter().flatten().collect();
        for (before, after) in times.iter().zip(times.iter().skip(1)) {
            assert!(*after >= *before + PAUSE);
        }
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_what_goes_on_is_told_at_its_pace() {
        let mut one = [Pacer::new().pace()];
        assert_eq!(time(&mut one, 2_400).await, Duration::ZERO);
        let took = time(&mut one, 10_000).await.as_millis();
        assert!((1_900..2_100).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_share_what_may_be_done_for_all() {
        let pacer = Pacer::new();
        let mut many: Vec<_> = (0..100).map(|_| pacer.pace()).collect();
        let took = time(&mut many, 1_000).await.as_millis();
        assert!((1_800..2_200).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_those_who_have_left() {
        let pacer = Pacer::new();
        for _ in 0..10_000 {
            pacer.pace().pay(WAKING).now_or_never();
        }
        let begin = Instant::now();
        pacer.pace().pay(WAKING).await;
        assert!(begin.elapsed() < 2 * PAUSE, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_comes_after_one_of_each_other_however_much_they_were_told() {
        let pacer = Pacer::new();
        let others = (0..500).map(async |_| pacer.pace().event(16 * 1024 * 1024).await);
        let begin = Instant::now();
        tokio::select! {
            biased;
            _ = join_all(others) => panic!("they were told 8 GiB"),
            () = async { pacer.pace().event(0).await } => {}
        }
        let waited = begin.elapsed().as_millis();
        assert!((900..1_050).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_come_and_go_share_as_much_as_those_who_stay() {
        let pacer = Pacer::new();
        let woken = Cell::new(0);
        let comers = (0..500).map(async |_| {
            loop {
                pacer.pace().pay(WAKING).await;
                woken.set(woken.get() + 1);
            }
        });
        let ended = timeout(Duration::from_secs(10), join_all(comers)).await;
        assert!(ended.is_err(), "they go on for ever");
        assert!((49_000..51_000).contains(&woken.get()), "{woken:?}");
    }
}
