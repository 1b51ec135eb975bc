//! A few connections over `--max-connections`, so that probes are answered and requests can wait for a slot while all
//! slots are busy.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::timeout;

use super::set::{ConnectionSet, Slot};

/// Connections of the reserve. `OTHER_FILES` in `main.rs` has room for them.
const SIZE: usize = 32;

/// How long a connection may stay when others come.
const STAY: Duration = Duration::from_millis(100);

/// How long a connection whose request waits for a slot may stay when others come, while others get slots.
const LONGEST_STAY: Duration = Duration::from_secs(1);

/// No others get slots if none has got one in so many steps. They are counted one by one: after a pause of the whole
/// process all have to go on first.
const STEPS: u32 = 5;
const STEP: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Reserve {
    connections: Arc<ConnectionSet>,
    /// The steps since a request has got a slot, while others wait for one.
    steps: AtomicU32,
}

impl Reserve {
    pub(super) fn new() -> Self {
        Self {
            connections: ConnectionSet::new(SIZE),
            steps: AtomicU32::new(0),
        }
    }

    /// A slot of the reserve. If none becomes free, the connection that has stayed longest has to leave.
    pub(super) async fn take(&self) -> Slot {
        let mut slot = pin!(self.connections.take());
        loop {
            if self.connections.is_full() {
                self.displace_oldest();
            }
            if let Ok(slot) = timeout(STEP, &mut slot).await {
                return slot;
            }
            self.steps.fetch_add(1, Relaxed);
        }
    }

    /// A request has got a slot, or is the first to wait for one.
    pub(super) fn goes_on(&self) {
        self.steps.store(0, Relaxed);
    }

    pub(super) fn connections(&self) -> &Arc<ConnectionSet> {
        &self.connections
    }

    /// Asks the connection to leave that has stayed longest, if that is too long.
    fn displace_oldest(&self) {
        let others_get_slots = self.steps.load(Relaxed) < STEPS;
        let open = self.connections.open();
        let overstaying = open.iter().filter_map(|(_, connection)| {
            let (wait, since) = connection.without_slot()?;
            let stay = match wait {
                None if others_get_slots => LONGEST_STAY,
                _ => STAY,
            };
            (since.elapsed() >= stay).then_some((since, wait, connection))
        });
        match overstaying.min_by_key(|(since, ..)| *since) {
            None => {}
            Some((_, None, connection)) => connection.displace_before_slot(),
            Some((_, Some(wait), connection)) => {
                connection.displace(wait);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, future::poll_fn, task::Poll};

    use tokio::time::{Instant, advance};

    use super::{
        super::{
            set::Entry,
            timeouts::{Deadline, tests::TIMEOUTS},
        },
        *,
    };

    type Inside = VecDeque<(Arc<Deadline>, Entry)>;

    /// A reserve that is full of connections, one a millisecond, and something that happens to each.
    async fn full(happens: impl Fn(&Deadline)) -> (Reserve, Inside) {
        let reserve = Reserve::new();
        let mut inside = VecDeque::new();
        for _ in 0..SIZE {
            enter(&reserve, &mut inside).await;
            happens(&inside.back().unwrap().0);
            advance(Duration::from_millis(1)).await;
        }
        (reserve, inside)
    }

    async fn enter(reserve: &Reserve, inside: &mut Inside) {
        let slot = reserve.take().await;
        let connection = Deadline::new(TIMEOUTS);
        let entry = reserve.connections().insert(&connection, slot);
        inside.push_back((connection, entry));
    }

    /// Lets another connection come, for which the oldest has to leave. Returns how long that took, in milliseconds.
    async fn displace_oldest(reserve: &Reserve, inside: &mut Inside) -> u128 {
        let begun = Instant::now();
        let (oldest, entry) = inside.pop_front().unwrap();
        let leaves = poll_fn(|_| match oldest.without_slot() {
            None => Poll::Ready(()),
            Some(_) => Poll::Pending,
        });
        tokio::select! {
            biased;
            () = enter(reserve, inside) => panic!("there is no room"),
            () = leaves => {}
        }
        drop(entry);
        enter(reserve, inside).await;
        begun.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_full_reserve_the_oldest_makes_room_but_not_at_once() {
        for happens in [|_: &Deadline| {}, Deadline::request_begins] {
            let (reserve, mut inside) = full(happens).await;
            let mut times = Vec::new();
            for _ in 0..SIZE {
                times.push(displace_oldest(&reserve, &mut inside).await);
            }
            let all_at_once = times.split_off(1);
            assert!((68..=100).contains(&times[0]), "{times:?}");
            assert!(all_at_once.iter().sum::<u128>() <= 40, "{all_at_once:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_wait_longer_while_others_get_slots() {
        let (reserve, mut inside) = full(Deadline::request_begins).await;
        let begun = Instant::now();
        let others = async {
            loop {
                advance(STEP).await;
                reserve.goes_on();
            }
        };
        tokio::select! {
            _ = displace_oldest(&reserve, &mut inside) => {}
            () = others => {}
        }
        let stay = begun.elapsed().as_millis();
        assert!((968..=1_020).contains(&stay), "{stay}");
    }
}
