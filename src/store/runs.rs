//! The runs and what finds them: by id, by place in the list, by time of the last update.

use std::{collections::BTreeSet, hash::RandomState, ops::Bound, sync::Arc};

use hashlink::{LinkedHashMap, linked_hash_map::Entry};

use super::{Merged, Page, Position, RunTooLarge};
use crate::run::{PlatformStatus, Run, RunId, Status, Timestamp, Update};

/// Bytes of output after which a page ends, however few runs are on it.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes a run costs beside what arrived: itself, its node and its slot in the map, and its two index
/// entries.
const RUN_OVERHEAD: usize = 384;

/// Bytes of the first node of a set of outputs, which is the same for 1 and for 11 of them.
const OUTPUT_NODE: usize = 544;

/// Bytes an output costs beside its JSON: its share of further nodes, and its allocation.
const OUTPUT_OVERHEAD: usize = 112;

/// The runs, and the indexes over them.
#[derive(Debug)]
pub(super) struct Runs {
    /// The least recently updated first.
    by_id: LinkedHashMap<RunId, Kept, RandomState>,
    all: BTreeSet<Position>,
    by_status: [BTreeSet<Position>; 5],
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    run: Arc<Run>,
    listed_at: Timestamp,
}

impl Kept {
    fn position(&self) -> Position {
        Position {
            listed_at: self.listed_at,
            run_id: self.run.id(),
        }
    }

    fn status(&self) -> Option<Status> {
        self.run.platform_status().map(PlatformStatus::documented)
    }

    /// Bytes of memory it takes, estimated.
    fn size(&self) -> usize {
        let outputs = self.run.outputs();
        let nodes = if outputs.is_empty() { 0 } else { OUTPUT_NODE };
        RUN_OVERHEAD
            + self.run.live_status().map_or(0, str::len)
            + nodes
            + outputs.len() * OUTPUT_OVERHEAD
            + outputs.bytes()
    }
}

impl Runs {
    /// None, with room for `capacity` and one more: a run enters before another leaves.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            by_id: LinkedHashMap::with_capacity_and_hasher(capacity + 1, RandomState::new()),
            all: BTreeSet::new(),
            by_status: Default::default(),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Bytes of memory they take, estimated.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, run_id: RunId) -> Option<Arc<Run>> {
        self.by_id.get(&run_id).map(|kept| Arc::clone(&kept.run))
    }

    pub(super) fn page(
        &self,
        status: Option<Status>,
        after: Option<Position>,
        limit: usize,
    ) -> Page {
        let index = status.map_or(&self.all, |status| &self.by_status[status as usize]);
        let newer = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut older = index.range((Bound::Unbounded, newer)).rev();
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut last = None;
        while page.len() < limit
            && bytes < PAGE_BYTES
            && let Some(position) = older.next()
        {
            let run = &self.by_id[&position.run_id].run;
            bytes += run.outputs().bytes();
            page.push(Arc::clone(run));
            last = Some(*position);
        }
        Page {
            runs: page,
            next: last.filter(|_| older.next().is_some()),
        }
    }

    pub(super) fn least_recently_updated(&self) -> Option<&Run> {
        self.by_id.front().map(|(_, kept)| &*kept.run)
    }

    pub(super) fn merge(
        &mut self,
        run_id: RunId,
        update: &Update<'_>,
        at: Timestamp,
        run_bytes: usize,
    ) -> Result<Merged, RunTooLarge> {
        let (kept, before) = match self.by_id.entry(run_id) {
            Entry::Occupied(mut entry) => {
                check_growth(&entry.get().run, update, run_bytes)?;
                entry.to_back();
                let kept = entry.into_mut();
                let before = (kept.size(), kept.status());
                (kept, Some(before))
            }
            Entry::Vacant(entry) => {
                let run = Run::new(run_id, at);
                check_growth(&run, update, run_bytes)?;
                let kept = Kept {
                    run: Arc::new(run),
                    listed_at: at,
                };
                (entry.insert(kept), None)
            }
        };
        // A reader may hold the run; it keeps the state it took.
        let changed = Arc::make_mut(&mut kept.run).merge(update, at);
        let (size, status, position) = (kept.size(), kept.status(), kept.position());
        self.bytes += size;
        match before {
            None => {
                self.all.insert(position);
                self.enter(status, position);
            }
            Some((size_before, status_before)) => {
                self.bytes -= size_before;
                if status != status_before {
                    self.leave(status_before, position);
                    self.enter(status, position);
                }
            }
        }
        Ok(if changed || before.is_none() {
            Merged::Applied
        } else {
            Merged::NoChange
        })
    }

    pub(super) fn pop_least_recently_updated(&mut self) -> Option<Arc<Run>> {
        let (_, kept) = self.by_id.pop_front()?;
        self.bytes -= kept.size();
        self.all.remove(&kept.position());
        self.leave(kept.status(), kept.position());
        Some(kept.run)
    }

    fn enter(&mut self, status: Option<Status>, position: Position) {
        if let Some(status) = status {
            self.by_status[status as usize].insert(position);
        }
    }

    fn leave(&mut self, status: Option<Status>, position: Position) {
        if let Some(status) = status {
            self.by_status[status as usize].remove(&position);
        }
    }
}

fn check_growth(run: &Run, update: &Update<'_>, limit: usize) -> Result<(), RunTooLarge> {
    let live_status = update.live_status.as_deref().map_or(0, str::len);
    if live_status + run.outputs().bytes() + run.growth(update) > limit {
        return Err(RunTooLarge { limit });
    }
    Ok(())
}
