//! Sending runs to one subscriber, within its memory budget and its rate.

use std::{mem, sync::Arc};

use crate::{
    http::{
        app::App,
        limits::{memory::Reservation, rate::WAKEUP, subscribers::Subscriber},
        read::view::json_bytes,
    },
    run::Run,
};

/// Where the events of one subscriber go.
#[derive(Debug)]
pub(super) struct EventSink {
    pub(super) app: Arc<App>,
    subscriber: Subscriber,
    /// Bytes of the last event that was sent, which are charged when the next one is asked for: then this
    /// one has left.
    unpaid: usize,
    reservation: Option<Reservation>,
}

impl EventSink {
    pub(super) fn new(app: Arc<App>, subscriber: Subscriber) -> Self {
        Self {
            app,
            subscriber,
            unpaid: 0,
            reservation: None,
        }
    }

    /// Frees the memory of the last event, and waits until the rate allows another.
    pub(super) async fn ready_for_next(&mut self) {
        self.reservation = None;
        let bytes = mem::take(&mut self.unpaid);
        self.subscriber.rate.charge_event(bytes).await;
    }

    /// Waits until the rate allows to look at another change.
    pub(super) async fn throttle_wakeup(&mut self) {
        self.subscriber.rate.charge(WAKEUP).await;
    }

    /// Reserves the memory that it takes to send `run`. While it waits for that it does not hold the run, but looks it up
    /// again afterwards; `None` if it is no longer kept then.
    pub(super) async fn reserve_for(&mut self, mut run: Run) -> Option<Run> {
        let budget = &self.app.memory.streams;
        let mut size = json_bytes(&run);
        let mut reservation = budget.reservation();
        let mut is_enough = reservation.grow_to(size);
        while !is_enough {
            let run_id = run.id();
            drop(run);
            drop(reservation);
            reservation = budget.reserve(size).await;
            run = self.app.store.get(run_id)?;
            // It may have grown meanwhile.
            is_enough = json_bytes(&run) <= size;
            size = json_bytes(&run);
        }
        self.unpaid = size;
        self.reservation = Some(reservation);
        Some(run)
    }
}
