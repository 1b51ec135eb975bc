//! The runs and what finds them: by id, by place in the list, by time of the last update.

use super::{
    by_id::ById,
    changes::{Change, Feed, Kind, Revision},
    entry::{Kept, RunTooLarge},
    listing::{Counts, Index, Position},
};
use crate::run::{Run, RunId, Status, Timestamp, Update};

/// Bytes of runs after which a page ends, however few runs are on it.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Whether an update told anything new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// It did.
    Applied,
    /// All of it was known; only the time the run was last seen moved.
    NoChange,
}

/// Some of the runs, newest first.
#[derive(Debug)]
pub struct Page {
    /// The runs.
    pub runs: Vec<Run>,
    /// The last run's place, where more may follow.
    pub next: Option<Position>,
}

/// The runs, and the indexes over them.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) by_id: ById,
    list: Index,
    pub(super) feed: Feed,
    bytes: usize,
}

impl Runs {
    /// None, with room for `capacity` and one more: a run enters before another leaves. So many `changes`
    /// are remembered.
    pub(super) fn with_capacity(capacity: usize, changes: usize) -> Self {
        Self {
            by_id: ById::with_capacity(capacity + 1),
            list: Index::default(),
            feed: Feed::new(changes),
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

    pub(super) fn counts(&self) -> Counts {
        self.list.counts()
    }

    pub(super) const fn revision(&self) -> Revision {
        self.feed.head()
    }

    pub(super) fn get(&self, run_id: RunId) -> Option<(Revision, Run)> {
        let kept = self.by_id.get(run_id)?;
        Some((kept.revision, kept.run.clone()))
    }

    pub(super) fn page(
        &self,
        status: Option<Status>,
        after: Option<Position>,
        limit: usize,
    ) -> Page {
        let mut older = self.list.newest_first(status, after);
        let mut page = Vec::new();
        let mut bytes = 0;
        let mut last = None;
        while page.len() < limit
            && bytes < PAGE_BYTES
            && let Some(position) = older.next()
        {
            let kept = self.listed(position);
            bytes += kept.size();
            page.push(kept.run.clone());
            last = Some(position);
        }
        Page {
            runs: page,
            next: last.filter(|_| older.next().is_some()),
        }
    }

    /// The newest run of that status, or of any, that comes `after` a place in the list.
    pub(super) fn next_listed(
        &self,
        status: Option<Status>,
        after: Option<Position>,
    ) -> Option<(Position, Run)> {
        let position = self.list.newest_first(status, after).next()?;
        Some((position, self.listed(position).run.clone()))
    }

    fn listed(&self, position: Position) -> &Kept {
        let kept = self.by_id.get(position.run_id);
        kept.expect("what is in the list is kept")
    }

    pub(super) fn least_recently_updated(&self) -> Option<&Run> {
        self.by_id.oldest().map(|kept| &kept.run)
    }

    pub(super) fn merge(
        &mut self,
        run_id: RunId,
        update: &Update<'_>,
        at: Timestamp,
        most: usize,
    ) -> Result<Merged, RunTooLarge> {
        let (place, changed, before) = if let Some(place) = self.by_id.find(run_id) {
            let (before, changed) = self.by_id.update(place, |kept| {
                let before = (kept.size(), kept.status());
                Ok((before, kept.merge(update, at, most)?))
            })?;
            (place, changed, Some(before))
        } else {
            let mut kept = Kept::new(run_id, at);
            kept.merge(update, at, most)?;
            (self.by_id.insert(kept), true, None)
        };
        let kept = &mut self.by_id[place];
        let (status, position) = (kept.status(), kept.position());
        self.bytes += kept.size();
        let mut left = None;
        match before {
            None => self.list.insert(position, status),
            Some((size_before, status_before)) => {
                self.bytes -= size_before;
                if status != status_before {
                    self.list.change_status(position, status_before, status);
                    left = status_before;
                }
            }
        }
        let change = Change {
            run_id,
            left,
            status,
            kind: Kind::Update,
        };
        kept.revision = self.feed.record(change, before.map(|_| kept.revision));
        Ok(if changed {
            Merged::Applied
        } else {
            Merged::NoChange
        })
    }

    pub(super) fn pop_least_recently_updated(&mut self) -> Option<Run> {
        let kept = self.by_id.remove_oldest()?;
        self.bytes -= kept.size();
        self.list.remove(kept.position(), kept.status());
        let removal = Change {
            run_id: kept.run.id(),
            left: kept.status(),
            status: None,
            kind: Kind::Removal,
        };
        self.feed.record(removal, Some(kept.revision));
        Some(kept.run)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    impl Runs {
        /// What must hold between any two calls.
        fn check(&self) {
            let sizes = self.by_id.iter().map(Kept::size);
            assert_eq!(self.bytes, sizes.sum::<usize>());
            let listed: Vec<_> = self.list.newest_first(None, None).collect();
            assert_eq!(listed.len(), self.by_id.len());
            assert!(listed.is_sorted_by(|a, b| a > b));
            let mut by_status = 0;
            for status in Status::ALL {
                for position in self.list.newest_first(Some(status), None) {
                    let kept = self.listed(position);
                    assert_eq!((kept.status(), kept.position()), (Some(status), position));
                    by_status += 1;
                }
            }
            let with_status = self.by_id.iter().filter(|kept| kept.status().is_some());
            assert_eq!(by_status, with_status.count());
        }
    }

    proptest! {
    #![proptest_config(crate::testing::proptest_config())]
        #[test]
        fn the_indexes_and_the_count_of_bytes_agree_with_the_runs(
            steps in vec((0_u8..12, 0_usize..7, 0_usize..3, 0_i64..20), 0..60),
        ) {
            let mut runs = Runs::with_capacity(5, 9);
            for (n, status, outputs, millis) in steps {
                let run_id = format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap();
                let words = [
                    "null", "\"queued\"", "\"running\"", "\"success\"", "\"failed\"",
                    "\"cancelled\"", "\"timeout\"",
                ];
                let data = "x".repeat(outputs * 100);
                let body = format!(
                    r#"{{"status":{},"live_status":"{data}","outputs":[{{"id":{outputs},"data":"{data}"}}]}}"#,
                    words[status],
                );
                let update = Update::parse(body.as_bytes()).unwrap();
                let at = Timestamp::from_millis(millis).unwrap();
                let state = |runs: &Runs| {
                    let order: Vec<_> = runs.by_id.iter().map(Kept::id).collect();
                    (runs.get(run_id), runs.revision(), order)
                };
                let before = state(&runs);
                if runs.merge(run_id, &update, at, 900).is_err() {
                    prop_assert_eq!(state(&runs), before);
                }
                runs.check();
                while runs.len() > 5 {
                    let oldest = runs.least_recently_updated().unwrap().id();
                    prop_assert!(oldest != run_id);
                    prop_assert_eq!(runs.pop_least_recently_updated().unwrap().id(), oldest);
                    runs.check();
                }
            }
        }
    }
}
