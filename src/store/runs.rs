//! The runs and their indexes.

use std::{
    cmp::Reverse,
    hash::RandomState,
    time::{Duration, Instant},
};

use hashlink::{LinkedHashMap, linked_hash_map};

use super::{
    changes::{Change, Feed, Revision},
    entry::{Entry, Indexed},
    filter::Filter,
    listing::{Counts, Listing, Position},
    timeline::Timeline,
};
use crate::{
    memory::size_class,
    run::{Merged, Run, RunId, Timestamp, Update},
};

/// The runs, and what finds them.
#[derive(Debug)]
pub(super) struct Runs {
    /// By id, in the order of their last updates: the first is evicted next. Senders choose the ids, so the
    /// hasher is one that they cannot predict.
    by_id: LinkedHashMap<RunId, Entry, RandomState>,
    /// The most runs that there were at a time: the map keeps the nodes of all of them.
    peak: usize,
    indexes: Indexes,
    timeline: Timeline,
}

/// What is derived from the runs. Each reason to look at them has its index.
#[derive(Debug)]
struct Indexes {
    /// For pages and snapshots: all runs and those of each status, by age.
    listing: Listing,
    /// For streams: what changed last.
    feed: Feed,
    /// For the limit: bytes of memory of all runs, estimated.
    bytes: usize,
}

impl Indexes {
    /// Takes note of a run that was added, updated or removed: what the indexes hold of it `before` and `after`.
    fn update(
        &mut self,
        position: Position,
        before: Option<&Indexed>,
        after: Option<&Indexed>,
    ) -> Revision {
        let bytes = |run: Option<&Indexed>| run.map_or(0, |run| run.bytes);
        self.bytes += bytes(after);
        self.bytes -= bytes(before);
        match (before, after) {
            (None, Some(_)) => self.listing.insert(position),
            (Some(_), None) => self.listing.remove(position),
            _ => {}
        }
        let status = |run: Option<&Indexed>| run.and_then(|run| run.status);
        let (old, new) = (status(before), status(after));
        if old != new {
            self.listing.change_status(position, old, new);
        }
        let change = Change::new(position.run_id, before, after);
        self.feed.record(change, before.map(|run| run.revision))
    }
}

impl Runs {
    /// Runs that one step of a search looks at, so that it holds the lock for microseconds.
    pub(super) const SEARCH_BATCH: usize = 64;

    /// No runs, but room for `capacity` and one more: a run is added before another is evicted. `backlog` changes
    /// are remembered.
    pub(super) fn new(capacity: usize, backlog: usize) -> Self {
        // Twice the room: a table with less grows to as much while runs come and go, and has to move all of them
        // at once then. A slot that is not used costs a byte.
        let room = 2 * (capacity + 1);
        Self {
            by_id: LinkedHashMap::with_capacity_and_hasher(room, RandomState::new()),
            peak: 0,
            indexes: Indexes {
                listing: Listing::default(),
                feed: Feed::new(backlog),
                bytes: 0,
            },
            timeline: Timeline::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Bytes of memory they take, estimated.
    pub(super) const fn bytes(&self) -> usize {
        self.indexes.bytes
    }

    /// Bytes of memory that are kept for other runs: the nodes of those that were removed.
    pub(super) fn spare_bytes(&self) -> usize {
        const LINKS: usize = 2 * size_of::<usize>();
        let node = size_class(size_of::<(RunId, Entry)>() + LINKS);
        (self.peak - self.len()) * node
    }

    pub(super) fn counts(&self) -> Counts {
        self.indexes.listing.counts()
    }

    pub(super) const fn feed(&self) -> &Feed {
        &self.indexes.feed
    }

    /// A run, if it is known. Reading it does not make it more recently updated.
    pub(super) fn get(&self, run_id: RunId) -> Option<&Entry> {
        self.by_id.get(&run_id)
    }

    /// The runs that come `after` a position in the list, newest first. Those that `filter` does not match are left out
    /// only where an index says which they are.
    pub(super) fn listed(
        &self,
        filter: &Filter,
        after: Option<Position>,
    ) -> Box<dyn Iterator<Item = &Entry> + '_> {
        if filter.run_ids().is_empty() {
            let positions = self.indexes.listing.newest_first(filter.status(), after);
            return Box::new(positions.map(|position| {
                let entry = self.by_id.get(&position.run_id);
                entry.expect("every run in the list is in the map")
            }));
        }
        let named = filter.run_ids().iter().filter_map(|&id| self.get(id));
        let older = |entry: &&Entry| after.is_none_or(|after| entry.position() < after);
        let mut listed: Vec<_> = named.filter(older).collect();
        listed.sort_unstable_by_key(|entry| Reverse(entry.position()));
        Box::new(listed.into_iter())
    }

    pub(super) fn least_recently_updated(&self) -> Option<&Entry> {
        self.by_id.front().map(|(_, entry)| entry)
    }

    /// A revision that was reached longer than `retention` ago. How exact that is depends on how often it is called.
    pub(super) fn expired(&mut self, now: Instant, retention: Duration) -> Revision {
        let head = self.indexes.feed.head();
        self.timeline.advance(now, retention, head)
    }

    /// Merges `update` into the run, which becomes the most recently updated. Its outputs may take `max_output_bytes`.
    pub(super) fn apply(
        &mut self,
        run_id: RunId,
        update: &Update<'_>,
        at: Timestamp,
        max_output_bytes: usize,
    ) -> Merged {
        if let Some(merged) = self.change(run_id, |run| run.merge(update, at, max_output_bytes)) {
            return merged;
        }
        let (run, merged) = Run::described_by(run_id, update, at, max_output_bytes);
        self.add(run, Origin::New);
        Merged {
            changed: true,
            ..merged
        }
    }

    /// Replaces a run by what it became, or adds it. It becomes the most recently updated.
    pub(super) fn put(&mut self, run: &Run, origin: Origin) {
        let replaced = self.change(run.id(), |known| *known = run.clone());
        if replaced.is_none() {
            self.add(run.clone(), origin);
        }
    }

    /// Adds a run that was updated before all others.
    pub(super) fn add_least_recently_updated(&mut self, run: Run) {
        let run_id = run.id();
        self.add(run, Origin::Known);
        if let linked_hash_map::Entry::Occupied(mut slot) = self.by_id.entry(run_id) {
            slot.to_front();
        }
    }

    /// Changes a run, if it is known. It becomes the most recently updated.
    fn change<T>(&mut self, run_id: RunId, change: impl FnOnce(&mut Run) -> T) -> Option<T> {
        let linked_hash_map::Entry::Occupied(mut slot) = self.by_id.entry(run_id) else {
            return None;
        };
        let entry = slot.get_mut();
        let before = entry.indexed();
        let changed = change(&mut entry.run);
        let after = entry.indexed();
        let position = entry.position();
        entry.revision = self.indexes.update(position, Some(&before), Some(&after));
        slot.to_back();
        Some(changed)
    }

    /// Adds a run that is not known, as the most recently updated.
    fn add(&mut self, run: Run, origin: Origin) {
        let mut entry = Entry::new(run);
        let after = entry.indexed();
        entry.revision = self.indexes.update(entry.position(), None, Some(&after));
        if origin == Origin::New {
            entry.added = entry.revision;
        }
        self.by_id.insert(entry.run.id(), entry);
        self.peak = self.peak.max(self.by_id.len());
    }

    pub(super) fn pop_least_recently_updated(&mut self) -> Option<Run> {
        let (_, entry) = self.by_id.pop_front()?;
        Some(self.removed(entry))
    }

    pub(super) fn remove(&mut self, run_id: RunId) -> Option<Run> {
        let entry = self.by_id.remove(&run_id)?;
        Some(self.removed(entry))
    }

    fn removed(&mut self, entry: Entry) -> Run {
        self.indexes
            .update(entry.position(), Some(&entry.indexed()), None);
        entry.run
    }
}

/// Where a run comes from that was not in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was known of it.
    New,
    /// It was kept elsewhere, and goes on as it was.
    Known,
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{run::Status, testing};

    impl Runs {
        /// What must hold between any two calls.
        fn check(&self) {
            let entries = || self.by_id.values();
            assert_eq!(self.bytes(), entries().map(Entry::bytes).sum::<usize>());
            let listed: Vec<_> = self
                .listed(&Filter::default(), None)
                .map(Entry::position)
                .collect();
            assert_eq!(listed.len(), self.len());
            assert!(listed.is_sorted_by(|a, b| a > b));
            let mut by_status = 0;
            for &status in Status::ALL {
                for position in self.indexes.listing.newest_first(Some(status), None) {
                    let entry = self.get(position.run_id).unwrap();
                    assert_eq!(
                        (entry.run.status(), entry.position()),
                        (Some(status), position)
                    );
                    by_status += 1;
                }
            }
            let with_status = entries().filter(|entry| entry.run.status().is_some());
            assert_eq!(by_status, with_status.count());
        }
    }

    proptest! {
        #![proptest_config(testing::proptest_config())]
        #[test]
        fn the_indexes_agree_with_the_runs_and_the_least_recently_updated_run_goes_first(
            steps in vec((0_u8..12, 0_usize..7, 0_usize..3, 0_i64..20), 0..60),
        ) {
            let mut runs = Runs::new(5, 9);
            let mut least_recently_updated_first = Vec::new();
            for (n, status, outputs, millis) in steps {
                let run_id = testing::run_id(n.into());
                let words = [
                    "null", "\"queued\"", "\"running\"", "\"success\"", "\"failed\"",
                    "\"cancelled\"", "\"timeout\"",
                ];
                let data = "x".repeat(outputs * 100);
                let body = format!(
                    r#"{{"status":{},"live_status":"{data}","outputs":[{{"id":{outputs},"data":"{data}"}}]}}"#,
                    words[status],
                );
                runs.apply(run_id, &testing::update(&body), testing::at(millis), 900);
                least_recently_updated_first.retain(|&other| other != run_id);
                least_recently_updated_first.push(run_id);
                runs.check();
                while runs.len() > 5 {
                    let oldest = least_recently_updated_first.remove(0);
                    prop_assert_eq!(runs.least_recently_updated().unwrap().run.id(), oldest);
                    prop_assert_eq!(runs.pop_least_recently_updated().unwrap().id(), oldest);
                    runs.check();
                }
                prop_assert!(runs.by_id.keys().eq(&least_recently_updated_first));
            }
        }
    }
}
