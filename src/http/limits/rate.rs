//! The work that is done for streams, limited for each and for all together, so that no number of changes slows down
//! updates.
//!
//! Own code, since a plain rate limiter lets streams compete for what is free: one that connects and leaves again and
//! again could starve the others. Here streams take turns.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{self, Semaphore},
    time::{Instant, sleep},
};

/// A cost as time: in the stream's own bucket, and in the bucket that all streams share.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Cost {
    own: Duration,
    shared: Duration,
}

/// To wake up for a change: at most 100 times a second, and 5,000 for all streams. Changes that come faster are sent
/// together.
pub(in crate::http) const WAKEUP: Cost = Cost {
    own: Duration::from_millis(10),
    shared: Duration::from_micros(200),
};

/// To send an event: at most 5,000 a second, and 50,000 for all streams.
const EVENT: Cost = Cost {
    own: Duration::from_micros(200),
    shared: Duration::from_micros(20),
};

/// To send a KiB: at most 10 MiB a second, and 100 MiB for all streams.
const KIB: Cost = Cost {
    own: Duration::from_micros(100),
    shared: Duration::from_micros(10),
};

/// What one stream may use ahead of time: enough for 50 single changes, or for the first 2,500 runs.
const OWN_BURST: Duration = Duration::from_millis(500);

/// What all streams together may use ahead of time.
const SHARED_BURST: Duration = Duration::from_millis(100);

/// What a stream takes of the shared limit in one turn, so that it does much between two pauses.
const TURN: Duration = Duration::from_millis(2);

/// Streams with large events that may queue for a turn at a time. With one, those that give up the wait for a heartbeat
/// would seldom get a turn.
const LONG: usize = 16;

/// The shortest pause of a stream that is over a limit: a few long pauses cost less than many short ones.
const PAUSE: Duration = Duration::from_millis(10);

/// A leaky bucket whose content is time.
#[derive(Debug)]
struct Bucket {
    used_until: Instant,
    burst: Duration,
}

impl Bucket {
    fn new(burst: Duration) -> Self {
        Self {
            used_until: Instant::now(),
            burst,
        }
    }

    /// Uses `cost`, even if that is over the limit.
    fn take(&mut self, now: Instant, cost: Duration) {
        self.used_until = self.used_until.max(now) + cost;
    }

    /// How long to pause, if the limit is reached.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let ahead = self.used_until.saturating_duration_since(now);
        ahead.checked_sub(self.burst).map(|over| over + PAUSE)
    }
}

/// The limit that all streams share. They take turns, and a stream that leaves gives back what it has not used: so a
/// stream waits for at most one turn of each other stream.
///
/// The stream whose turn is next sleeps until the limit allows it, which all others would have to do as well. Its client
/// cannot delay it: a stream that waits for a turn has nothing to send, so hyper goes on polling it.
#[derive(Debug)]
pub(super) struct SharedLimit {
    bucket: Mutex<Bucket>,
    /// Held by the stream whose turn is next; the others queue for it.
    turn: sync::Mutex<()>,
    /// Held by those that need several turns, while they queue for one: so those that need one turn never wait for more
    /// than a few of these.
    long: Semaphore,
}

impl SharedLimit {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            bucket: Mutex::new(Bucket::new(SHARED_BURST)),
            turn: sync::Mutex::default(),
            long: Semaphore::new(LONG),
        })
    }

    /// The limit of one more stream.
    pub(super) fn stream(self: &Arc<Self>) -> StreamLimit {
        StreamLimit {
            own: Bucket::new(OWN_BURST),
            owed: Duration::ZERO,
            left: Duration::ZERO,
            shared: Arc::clone(self),
        }
    }

    /// One turn. A stream that stops waiting for it has used nothing.
    async fn take_turn(&self) -> Duration {
        let _turn = self.turn.lock().await;
        let pause = self.bucket().pause(Instant::now());
        if let Some(pause) = pause {
            sleep(pause).await;
        }
        self.bucket().take(Instant::now(), TURN);
        TURN
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limit of one stream.
#[derive(Debug)]
pub(in crate::http) struct StreamLimit {
    own: Bucket,
    /// What the stream has used of the shared limit, and has had no turn for yet.
    owed: Duration,
    /// What is left of the stream's last turn.
    left: Duration,
    shared: Arc<SharedLimit>,
}

impl StreamLimit {
    /// Uses the cost of an event of `bytes`, and waits until the stream is within its limits again.
    pub(in crate::http) async fn charge_event(&mut self, bytes: usize) {
        let kibs = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        self.charge(Cost {
            own: EVENT.own + KIB.own * kibs,
            shared: EVENT.shared + KIB.shared * kibs,
        })
        .await;
    }

    /// Uses `cost`, and waits until the stream is within its limits again. If that is given up, the next call goes on
    /// with it.
    pub(in crate::http) async fn charge(&mut self, cost: Cost) {
        self.own.take(Instant::now(), cost.own);
        self.owed += cost.shared;
        // A large event takes many turns, between which other streams have theirs.
        while self.owed > self.left {
            self.owed -= mem::take(&mut self.left);
            let _long = if self.owed > TURN {
                Some(self.shared.long.acquire().await)
            } else {
                None
            };
            self.left = self.shared.take_turn().await;
        }
        self.left -= mem::take(&mut self.owed);
        let pause = self.own.pause(Instant::now());
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
}

impl Drop for StreamLimit {
    fn drop(&mut self) {
        self.shared.bucket().used_until -= self.left;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeSet};

    use futures_util::{FutureExt as _, future::join_all};
    use tokio::time::timeout;

    use super::*;

    /// Sends `events` one after the other on each stream, and returns how long that takes.
    async fn time_to_send(streams: &mut [StreamLimit], events: usize) -> Duration {
        let begin = Instant::now();
        let sending = streams.iter_mut().map(async |stream| {
            let mut times = BTreeSet::new();
            for _ in 0..events {
                stream.charge_event(0).await;
                times.insert(Instant::now());
            }
            times
        });
        let times: BTreeSet<_> = join_all(sending).await.into_iter().flatten().collect();
        for (before, after) in times.iter().zip(times.iter().skip(1)) {
            assert!(*after >= *before + PAUSE);
        }
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_sent_at_once_and_more_at_the_rate_of_one_stream() {
        let mut one = [SharedLimit::new().stream()];
        assert_eq!(time_to_send(&mut one, 2_400).await, Duration::ZERO);
        let took = time_to_send(&mut one, 10_000).await.as_millis();
        assert!((1_900..2_100).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn many_streams_share_one_rate() {
        let shared = SharedLimit::new();
        let mut many: Vec<_> = (0..100).map(|_| shared.stream()).collect();
        let took = time_to_send(&mut many, 1_000).await.as_millis();
        assert!((1_800..2_200).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_stream_waits_for_those_that_have_left() {
        let shared = SharedLimit::new();
        for _ in 0..10_000 {
            shared.stream().charge(WAKEUP).now_or_never();
        }
        let begin = Instant::now();
        shared.stream().charge(WAKEUP).await;
        assert!(begin.elapsed() < 2 * PAUSE, "{:?}", begin.elapsed());
    }

    /// How many milliseconds a small event takes while 500 other streams send without a pause.
    async fn time_to_send_beside(bytes: usize) -> u128 {
        let shared = SharedLimit::new();
        let others = (0..500).map(async |_| {
            let mut other = shared.stream();
            loop {
                other.charge_event(bytes).await;
            }
        });
        let begin = Instant::now();
        tokio::select! {
            biased;
            _ = join_all(others) => panic!("they never end"),
            () = async { shared.stream().charge_event(0).await } => {}
        }
        begin.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_waits_for_one_turn_of_each_other() {
        let waited = time_to_send_beside(128 * 1024).await;
        assert!((900..1_050).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_event_waits_for_one_turn_of_all_large_ones() {
        let waited = time_to_send_beside(16 * 1024 * 1024).await;
        assert!(waited < 50, "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_of_many_large_events_is_sent_though_the_wait_is_given_up_for_heartbeats() {
        let shared = SharedLimit::new();
        let small = (0..120).map(async |_| {
            let mut stream = shared.stream();
            loop {
                stream.charge_event(20 * 1024).await;
            }
        });
        let large = (0..380).map(async |_| {
            let (mut stream, mut bytes) = (shared.stream(), 512 * 1024);
            let heartbeat = Duration::from_secs(15);
            while timeout(heartbeat, stream.charge_event(bytes))
                .await
                .is_err()
            {
                bytes = 0;
            }
        });
        let sent = async {
            tokio::select! {
                _ = join_all(small) => panic!("they never end"),
                _ = join_all(large) => {}
            }
        };
        let minute = Duration::from_mins(1);
        assert!(timeout(minute, sent).await.is_ok(), "some were never sent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_again_and_again_takes_no_longer() {
        let mut stream = SharedLimit::new().stream();
        let begin = Instant::now();
        let mut bytes = 100 * 1024 * 1024;
        while timeout(4 * PAUSE, stream.charge_event(bytes))
            .await
            .is_err()
        {
            bytes = 0;
        }
        let waited = begin.elapsed().as_millis();
        assert!((9_400..10_000).contains(&waited), "{waited}");
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_come_and_go_use_no_more_than_those_that_stay() {
        let shared = SharedLimit::new();
        let wakeups = Cell::new(0);
        let comers = (0..500).map(async |_| {
            loop {
                shared.stream().charge(WAKEUP).await;
                wakeups.set(wakeups.get() + 1);
            }
        });
        let ended = timeout(Duration::from_secs(10), join_all(comers)).await;
        assert!(ended.is_err(), "they never end");
        assert!((49_000..51_000).contains(&wakeups.get()), "{wakeups:?}");
    }
}
