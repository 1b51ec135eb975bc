//! The JSON of a page of runs, piece by piece. Each run is looked up when it is its turn, so that a client that does not
//! read keeps no page in memory.

use std::{mem, sync::Arc, vec};

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    text::{Lines, LongRun, write_if_small},
    view::RunView,
};
use crate::{
    http::{
        app::App,
        json::split_at_items,
        limits::{
            frames::FRAME_BYTES,
            pieces::{Gone, Pieces},
        },
        params::Cursor,
    },
    run::{Run, RunId},
    store::{Filter, Page},
};

/// A page of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RunList<'a> {
    /// The run that was first seen last comes first.
    runs: Vec<RunView<'a>>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

/// The text of a page.
#[derive(Debug)]
pub(super) struct ListJson {
    app: Arc<App>,
    /// A run that no longer matches is left out.
    filter: Filter,
    /// The runs that are left.
    runs: vec::IntoIter<RunId>,
    begin: Vec<u8>,
    is_first: bool,
    run: Option<Box<LongRun>>,
    end: Vec<u8>,
}

impl ListJson {
    pub(super) fn new(app: Arc<App>, filter: Filter, page: &Page) -> Self {
        let without_runs = RunList {
            runs: Vec::new(),
            next_cursor: page.next.map(Cursor),
        };
        let (begin, mut end) = split_at_items(&without_runs, "runs");
        end.push(b'\n');
        let runs: Vec<_> = page.runs.iter().map(Run::id).collect();
        Self {
            app,
            filter,
            runs: runs.into_iter(),
            begin,
            is_first: true,
            run: None,
            end,
        }
    }
}

impl Pieces for ListJson {
    fn write(&mut self, text: &mut Vec<u8>) -> Result<bool, Gone> {
        // The last run that is written as a whole may begin just before the frame is full.
        text.reserve(2 * FRAME_BYTES);
        text.append(&mut self.begin);
        while text.len() < FRAME_BYTES {
            if let Some(run) = &mut self.run {
                if !run.write(text)? {
                    self.run = None;
                }
                continue;
            }
            let Some(run_id) = self.runs.next() else {
                text.append(&mut self.end);
                return Ok(false);
            };
            let run = self.app.store.get(run_id);
            let Some(run) = run.filter(|run| self.filter.matches(run)) else {
                continue;
            };
            if !mem::replace(&mut self.is_first, false) {
                text.push(b',');
            }
            if !write_if_small(text, &run, Lines::AsTheyAre) {
                let budget = &self.app.memory.responses;
                let nothing = Default::default();
                self.run = Some(Box::new(LongRun::new(
                    &run,
                    nothing,
                    Lines::AsTheyAre,
                    budget,
                )));
            }
        }
        Ok(true)
    }

    fn left(&self) -> Option<usize> {
        None
    }
}
