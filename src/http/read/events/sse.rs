//! The events of a stream: their names, data and ids.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use crate::{
    http::{app::App, json::to_json, read::view::RunView},
    run::{Run, RunId},
    store::{Filter, Revision},
};

/// The id and the name of the last event of a run.
pub(super) const END: &str = "end";

/// What a stream is about. An id says it too, since an id of one stream means nothing to another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// The runs of a filter, of which this is the hash.
    Runs(u64),
    OneRun,
}

impl Scope {
    pub(super) fn runs(filter: &Filter) -> Self {
        let mut hasher = DefaultHasher::new();
        filter.hash(&mut hasher);
        Self::Runs(hasher.finish())
    }

    /// An event with the id that a client sends back when it reconnects.
    pub(super) fn event(self, app: &App, revision: Revision) -> Event {
        Event::default().id(format!("{}{}", self.id_prefix(app), revision.0))
    }

    /// The revision up to which a client knows that sends back this id; `None` if another stream sent the id.
    pub(super) fn revision(self, app: &App, id: &str) -> Option<Revision> {
        let revision = id.strip_prefix(&self.id_prefix(app))?;
        revision.parse().ok().map(Revision)
    }

    fn id_prefix(self, app: &App) -> String {
        match self {
            Self::Runs(filter) => format!("{:x}-{filter:x}-", app.epoch),
            Self::OneRun => format!("{:x}-run-", app.epoch),
        }
    }
}

/// A run, as the data of an event.
pub(super) fn run_event(event: Event, run: &Run) -> Event {
    data(event, &RunView::from(run))
}

/// The event that a run is no longer kept.
pub(super) fn removed(event: Event, run_id: RunId) -> Event {
    data(event.event("removed"), &json!({ "run_id": run_id }))
}

pub(super) fn data(event: Event, data: &impl Serialize) -> Event {
    let mut json = to_json(data);
    // The JSON of an output may hold line breaks between its values. Each would begin another `data:` line of the
    // event, which takes seven times the memory that is reserved.
    for byte in &mut json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    event.data(String::from_utf8(json).expect("JSON is UTF-8"))
}
