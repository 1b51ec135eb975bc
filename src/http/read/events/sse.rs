//! The events of a stream: their names, data and ids.

use std::{
    fmt::{Display, Write as _},
    hash::{DefaultHasher, Hash, Hasher as _},
};

use serde::Serialize;
use serde_json::json;

use crate::{
    http::{
        app::App,
        json::write_json,
        limits::memory::MemoryBudget,
        read::text::{Lines, Text},
    },
    run::{Outputs, Run, RunId},
    store::{Filter, Revision},
};

/// An event, which can be large: its text is made in pieces.
pub(super) type Event = Text;

/// The lines of an event before its data.
#[derive(Debug, Default)]
pub(super) struct EventHead(String);

impl EventHead {
    pub(super) fn id(mut self, id: impl Display) -> Self {
        writeln!(self.0, "id: {id}").expect("a text can be written to");
        self
    }

    pub(super) fn event(mut self, name: &str) -> Self {
        self.0 += "event: ";
        self.0 += name;
        self.0.push('\n');
        self
    }

    fn before_data(self) -> Vec<u8> {
        (self.0 + "data: ").into()
    }
}

/// What ends an event.
const END_OF_EVENT: &[u8] = b"\n\n";

/// What a stream is about, as a hash. An id says it too, since an id of one stream means nothing to another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    Runs(u64),
    OneRun(u64),
}

impl Scope {
    pub(super) fn runs(filter: &Filter) -> Self {
        Self::Runs(hash(filter))
    }

    pub(super) fn one_run(run_id: RunId, filter: &Filter) -> Self {
        Self::OneRun(hash((run_id, filter)))
    }

    /// An event with the id that a client sends back when it reconnects.
    pub(super) fn event(self, app: &App, revision: Revision) -> EventHead {
        EventHead::default().id(format_args!("{}{}", self.id_prefix(app), revision.0))
    }

    /// The revision up to which a client knows that sends back this id; `None` if another stream sent the id.
    pub(super) fn revision(self, app: &App, id: &str) -> Option<Revision> {
        let revision = id.strip_prefix(&self.id_prefix(app))?;
        revision.parse().ok().map(Revision)
    }

    fn id_prefix(self, app: &App) -> String {
        match self {
            Self::Runs(filter) => format!("{:x}-{filter:x}-", app.epoch),
            Self::OneRun(run) => format!("{:x}-run-{run:x}-", app.epoch),
        }
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The id of the last event of a run. Unlike other ids it means the same after a restart.
pub(super) fn end_id(run_id: RunId) -> String {
    format!("end-{run_id}")
}

/// A run, as the data of an event.
pub(super) fn run_event(head: EventHead, run: &Run, budget: &MemoryBudget<Outputs>) -> Event {
    let around = [head.before_data(), END_OF_EVENT.to_vec()];
    Text::of_run(run, around, Lines::One, budget)
}

/// The event that a run is no longer kept.
pub(super) fn removed(head: EventHead, run_id: RunId) -> Event {
    data(head.event("removed"), &json!({ "run_id": run_id }))
}

/// An event with other data, which hold no line breaks.
pub(super) fn data(head: EventHead, data: &impl Serialize) -> Event {
    let mut text = head.before_data();
    write_json(&mut text, data);
    text.extend_from_slice(END_OF_EVENT);
    Text::Whole(text)
}
