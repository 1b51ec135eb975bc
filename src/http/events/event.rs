//! What the events of a stream are made of.

use std::{fmt, str::FromStr, sync::Arc};

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use crate::{
    http::{budget::Share, runs::RunView, state::App},
    run::{Run, RunId},
    store::Revision,
};

/// The id of the last event of a run.
pub(super) const END: &str = "end";

/// The id of an event: what a client knows that was told it. Revisions are those of one store, so the
/// `epoch` tells whether they are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) epoch: u64,
    pub(super) revision: Revision,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.revision.0)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, revision) = text.split_once('-').ok_or(())?;
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| ())?,
            revision: Revision(revision.parse().map_err(|_| ())?),
        })
    }
}

/// An event, to which data and a name may be added, with the id that a client gives back.
pub(super) fn with_id(app: &App, revision: Revision) -> Event {
    let epoch = app.epoch;
    Event::default().id(EventId { epoch, revision }.to_string())
}

pub(super) fn run(event: Event, run: &Run) -> Event {
    data(event, &RunView::from(run))
}

/// What says that a run is no longer kept.
pub(super) fn removed(event: Event, run_id: RunId) -> Event {
    data(event.event("removed"), &json!({ "run_id": run_id }))
}

pub(super) fn data(event: Event, data: &impl Serialize) -> Event {
    event
        .json_data(data)
        .expect("numbers, text and the JSON that arrived can be written as JSON")
}

/// The run, and a share of the memory for answers that is large enough for it. Where there is none it
/// waits, and does not hold the run meanwhile; `None` where the run is no longer kept then.
pub(super) async fn with_room(app: &App, mut run: Arc<Run>) -> Option<(Share, Arc<Run>)> {
    let mut share = app.answers.share();
    let mut size = run.json_bytes();
    if share.grow_to(size) {
        return Some((share, run));
    }
    loop {
        let run_id = run.id();
        drop(run);
        share = app.answers.share_of(size).await;
        run = app.store.get(run_id)?;
        // It may have grown meanwhile.
        if run.json_bytes() <= size {
            return Some((share, run));
        }
        size = run.json_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_what_it_was_made_of() {
        let id = EventId {
            epoch: u64::MAX - 9,
            revision: Revision(42),
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in ["", END, "-", "x-1", "1-x", "1-", "-1"] {
            assert!(other.parse::<EventId>().is_err(), "{other}");
        }
    }
}
