//! What the events of a stream are made of.

use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use crate::{
    http::{app::App, read::view::RunView},
    run::{Run, RunId, Status},
    store::Revision,
};

/// The id of the last event of a run.
pub(super) const END: &str = "end";

/// What a stream tells: an id that was given by a stream of something else tells nothing of this one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    AllRuns(Option<Status>),
    OneRun,
}

impl Scope {
    const fn word(self) -> &'static str {
        match self {
            Self::AllRuns(None) => "all",
            Self::AllRuns(Some(status)) => status.word(),
            Self::OneRun => "run",
        }
    }

    /// An event, to which data and a name may be added, with the id that a client gives back.
    pub(super) fn event(self, app: &App, revision: Revision) -> Event {
        Event::default().id(format!("{}{}", self.id_prefix(app), revision.0))
    }

    /// What a client knows that gives back this id; `None` where it was given by another stream.
    pub(super) fn revision(self, app: &App, id: &str) -> Option<Revision> {
        let revision = id.strip_prefix(&self.id_prefix(app))?;
        revision.parse().ok().map(Revision)
    }

    fn id_prefix(self, app: &App) -> String {
        format!("{:x}-{}-", app.epoch, self.word())
    }
}

pub(super) fn run(event: Event, run: &Run) -> Event {
    data(event, &RunView::from(run))
}

/// What says that a run is no longer kept.
pub(super) fn removed(event: Event, run_id: RunId) -> Event {
    data(event.event("removed"), &json!({ "run_id": run_id }))
}

pub(super) fn data(event: Event, data: &impl Serialize) -> Event {
    let mut json = serde_json::to_vec(data)
        .expect("numbers, text and the JSON that arrived can be written as JSON");
    // Between the values of JSON that arrived lines may end. Each line would be one of the event's own,
    // which takes seven times the memory that was asked for.
    for byte in &mut json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    event.data(String::from_utf8(json).expect("JSON is UTF-8"))
}
