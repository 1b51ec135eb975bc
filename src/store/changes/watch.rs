//! Waiting for changes, of any run or of one.
//!
//! A stream looks at the runs, and waits when there is nothing new. So that it misses no change between the two,
//! each look first marks all changes up to then as seen, and the wait ends with the first one that is not marked.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::Revision;
use crate::run::{Run, RunId};

/// Notifies streams and waiting requests of changes. An update wakes only those it concerns, and costs the same
/// however many others there are.
#[derive(Debug, Default)]
pub(in crate::store) struct Watchers {
    any_run: watch::Sender<()>,
    // A lock of its own, so that streams that come and go do not hold the store's.
    one_run: Mutex<HashMap<RunId, WatchedRun>>,
}

/// A run that is watched.
#[derive(Debug, Default)]
struct WatchedRun {
    change: watch::Sender<()>,
    // Counted under the lock. A receiver is dropped only after the lock is released, so their number may be too
    // high when the last two end together.
    watches: usize,
}

impl Watchers {
    /// A receiver of the changes of all runs.
    pub(in crate::store) fn subscribe(&self) -> watch::Receiver<()> {
        self.any_run.subscribe()
    }

    /// A watch on one run, which need not be known yet.
    pub(in crate::store) fn watch(self: &Arc<Self>, run_id: RunId) -> RunWatch {
        let mut one_run = self.one_run();
        let watched = one_run.entry(run_id).or_default();
        watched.watches += 1;
        let mut change = watched.change.subscribe();
        drop(one_run);
        change.mark_changed();
        RunWatch {
            run_id,
            change,
            watchers: Arc::clone(self),
        }
    }

    /// The run has changed.
    pub(in crate::store) fn notify(&self, run_id: RunId) {
        if let Some(watched) = self.one_run().get(&run_id) {
            watched.change.send_replace(());
        }
        // It fails where there is no receiver.
        let _ = self.any_run.send(());
    }

    fn one_run(&self) -> MutexGuard<'_, HashMap<RunId, WatchedRun>> {
        self.one_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch on one run.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    change: watch::Receiver<()>,
    watchers: Arc<Watchers>,
}

impl RunWatch {
    /// The run that is watched.
    #[must_use]
    pub const fn run_id(&self) -> RunId {
        self.run_id
    }

    /// Waits until the run has changed since the last call of [`Store::look`](crate::store::Store::look). Does not
    /// wait before the first.
    pub async fn changed(&mut self) {
        // It cannot fail: the sender stays as long as this watch.
        let _ = self.change.changed().await;
    }

    /// Lets the next call of [`RunWatch::changed`] return at once.
    pub fn look_again(&mut self) {
        self.change.mark_changed();
    }

    pub(in crate::store) fn mark_seen(&mut self) {
        self.change.mark_unchanged();
    }
}

/// A run that is watched, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedNow {
    /// The run.
    pub run: Run,
    /// The revision of its last change.
    pub revision: Revision,
    /// The revision of its first change: an earlier one is of a run of this id that was evicted.
    pub added: Revision,
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        if let Entry::Occupied(mut watched) = self.watchers.one_run().entry(self.run_id) {
            watched.get_mut().watches -= 1;
            if watched.get().watches == 0 {
                watched.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use futures_util::FutureExt as _;

    use super::*;
    use crate::testing::run_id;

    #[tokio::test]
    async fn a_watch_is_woken_by_its_own_run_alone_and_leaves_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        let mut any = watchers.subscribe();
        let (first, mut second) = (watchers.watch(run_id(1)), watchers.watch(run_id(1)));
        second.changed().await;
        second.mark_seen();
        watchers.notify(run_id(2));
        any.changed().await.unwrap();
        assert!(
            second.changed().now_or_never().is_none(),
            "that was another run"
        );
        drop(first);
        watchers.notify(run_id(1));
        second.changed().await;
        drop(second);
        assert!(watchers.one_run().is_empty());
    }

    #[test]
    fn watches_of_one_run_that_end_at_the_same_time_leave_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        let together = Barrier::new(2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for n in 0..50_000 {
                        let watch = watchers.watch(run_id(n));
                        together.wait();
                        drop(watch);
                    }
                });
            }
        });
        assert_eq!(watchers.one_run().len(), 0);
    }
}
