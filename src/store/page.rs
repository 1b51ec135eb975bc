//! Pages of the list of runs.

use super::{filter::Filter, listing::Position, runs::Runs};
use crate::run::Run;

/// Bytes of runs after which a page ends, however few runs are on it.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Some of the runs, newest first.
#[derive(Debug, Default)]
pub struct Page {
    /// The runs.
    pub runs: Vec<Run>,
    /// The position of the last run, where more may follow.
    pub next: Option<Position>,
}

/// A search for the runs of a page. It goes step by step: where few runs match it looks at many, and each step holds
/// the lock for microseconds.
#[derive(Debug)]
pub struct PageSearch {
    filter: Filter,
    limit: usize,
    /// The position that was looked at last.
    after: Option<Position>,
    /// The runs that were found, and the position of the last of them.
    found: Page,
    bytes: usize,
}

impl PageSearch {
    /// For the newest runs of `filter` that come `after` a position in the list: at most `limit` of them, and fewer
    /// where they are large.
    #[must_use]
    pub fn new(filter: Filter, after: Option<Position>, limit: usize) -> Self {
        Self {
            filter,
            limit,
            after,
            found: Page::default(),
            bytes: 0,
        }
    }

    /// Looks at some more runs. Returns the page once it is complete.
    pub(super) fn step(&mut self, runs: &Runs) -> Option<Page> {
        let mut others = 0;
        let Page { runs: found, next } = &mut self.found;
        for entry in runs.listed(&self.filter, self.after) {
            if !self.filter.matches(&entry.run) {
                self.after = Some(entry.position());
                others += 1;
                if others == Runs::SEARCH_BATCH {
                    return None;
                }
                continue;
            }
            if found.len() == self.limit || self.bytes >= PAGE_BYTES {
                return Some(std::mem::take(&mut self.found));
            }
            self.bytes += entry.bytes();
            self.after = Some(entry.position());
            *next = self.after;
            found.push(entry.run.clone());
        }
        *next = None;
        Some(std::mem::take(&mut self.found))
    }
}
