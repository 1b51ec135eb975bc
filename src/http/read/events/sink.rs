//! Telling a subscriber of runs, within the memory and the pace that there are for it.

use std::{mem, sync::Arc};

use crate::{
    http::{
        app::App,
        limits::{memory::Share, rate::WAKING, subscribers::Subscriber},
    },
    run::Run,
};

/// What is told to one subscriber.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) app: Arc<App>,
    subscriber: Subscriber,
    /// Bytes of the run that was told last, and the share of memory that it takes until the next event is
    /// asked for.
    told: usize,
    share: Option<Share>,
}

impl Telling {
    pub(super) fn new(app: Arc<App>, subscriber: Subscriber) -> Self {
        Self {
            app,
            subscriber,
            told: 0,
            share: None,
        }
    }

    /// The event that was told last has been taken; there is time for another after this.
    pub(super) async fn was_taken(&mut self) {
        self.share = None;
        let told = mem::take(&mut self.told);
        self.subscriber.pace.event(told).await;
    }

    /// Something has changed; there is time to look at it after this.
    pub(super) async fn was_woken(&mut self) {
        self.subscriber.pace.pay(WAKING).await;
    }

    /// The run, once there is memory to tell it. While there is none the run is not held; `None` where it
    /// is no longer kept then.
    pub(super) async fn with_room(&mut self, mut run: Run) -> Option<Run> {
        let streams = &self.app.streams;
        let mut size = run.json_bytes();
        let mut share = streams.share();
        let mut is_enough = share.grow_to(size);
        while !is_enough {
            let run_id = run.id();
            drop(run);
            // Whoever waits holds no other.
            drop(share);
            share = streams.share_of(size).await;
            run = self.app.store.get(run_id)?;
            // It may have grown meanwhile.
            is_enough = run.json_bytes() <= size;
            size = run.json_bytes();
        }
        self.told = size;
        self.share = Some(share);
        Some(run)
    }
}
