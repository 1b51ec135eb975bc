//! The stream of one run.

use std::{mem, sync::Arc};

use axum::response::sse::Event;
use serde_json::json;

use super::event::{END, Scope, data, removed, run, with_room};
use crate::{
    http::{budget::Share, pace::WAKING, state::App, subscribers::Subscriber},
    run::{RunId, Status},
    store::{Revision, Watch},
};

/// One subscriber to one run.
#[derive(Debug)]
pub(super) struct OneRun {
    app: Arc<App>,
    run_id: RunId,
    watch: Watch,
    place: Place,
    /// Bytes of what was told last, and the share of memory that it takes until the next is asked for.
    told: usize,
    share: Option<Share>,
    subscriber: Subscriber,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// The revision of the run that was told last, if it was known.
    Watching(Option<Revision>),
    Ending(Status),
    Ended,
}

impl OneRun {
    /// For a subscriber who has `seen` the run, or not.
    pub(super) fn new(
        app: Arc<App>,
        run_id: RunId,
        seen: Option<Revision>,
        subscriber: Subscriber,
    ) -> Self {
        let watch = app.store.watch(run_id);
        let place = match app.store.state(run_id) {
            Some((revision, run)) if Some(revision) == seen => place_after(revision, run.status()),
            _ => Place::Watching(seen),
        };
        Self {
            app,
            run_id,
            watch,
            place,
            told: 0,
            share: None,
            subscriber,
        }
    }

    /// The next event, once there is one; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.share = None;
        self.subscriber.pace.event(mem::take(&mut self.told)).await;
        loop {
            let seen = match self.place {
                Place::Watching(seen) => seen,
                Place::Ending(status) => {
                    self.place = Place::Ended;
                    let end = json!({ "run_id": self.run_id, "status": status });
                    return Some(data(Event::default().id(END).event("end"), &end));
                }
                Place::Ended => return None,
            };
            self.app.store.watched(&self.watch, seen).await;
            self.subscriber.pace.pay(WAKING).await;
            let Some((revision, shown)) = self.app.store.state(self.run_id) else {
                self.place = Place::Watching(None);
                if seen.is_some() {
                    return Some(removed(Event::default(), self.run_id));
                }
                continue;
            };
            if let Some((share, shown)) = with_room(&self.app, shown).await {
                self.place = place_after(revision, shown.status());
                self.told = shown.json_bytes();
                self.share = Some(share);
                return Some(run(Scope::OneRun.event(&self.app, revision), &shown));
            }
        }
    }
}

fn place_after(revision: Revision, status: Option<Status>) -> Place {
    match status {
        Some(status) if status.is_terminal() => Place::Ending(status),
        _ => Place::Watching(Some(revision)),
    }
}
