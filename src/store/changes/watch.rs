//! Those who wait for changes: of all runs, or of one.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, futures::Notified};

use crate::run::RunId;

/// Who waits. An update wakes those whom it concerns, and costs no more however many others there are.
#[derive(Debug, Default)]
pub(in crate::store) struct Watchers {
    of_all: Notify,
    // A lock of its own, so that who comes and goes holds up no update at the store's.
    of_one: Mutex<HashMap<RunId, Watching>>,
}

#[derive(Debug, Default)]
struct Watching {
    changed: Arc<Notify>,
    watchers: usize,
}

impl Watchers {
    /// Ready after the next change of any run, from now on.
    pub(in crate::store) fn any_change(&self) -> Notified<'_> {
        self.of_all.notified()
    }

    /// A watch on one run, which need not be there yet.
    pub(in crate::store) fn watch(self: &Arc<Self>, run_id: RunId) -> Watch {
        let mut of_one = self.of_one();
        let watching = of_one.entry(run_id).or_default();
        watching.watchers += 1;
        Watch {
            run_id,
            changed: Arc::clone(&watching.changed),
            watchers: Arc::clone(self),
        }
    }

    /// The run has changed.
    pub(in crate::store) fn tell(&self, run_id: RunId) {
        if let Some(watching) = self.of_one().get(&run_id) {
            watching.changed.notify_waiters();
        }
        self.of_all.notify_waiters();
    }

    fn of_one(&self) -> MutexGuard<'_, HashMap<RunId, Watching>> {
        self.of_one.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch on one run, as long as it is held.
#[derive(Debug)]
pub struct Watch {
    pub(in crate::store) run_id: RunId,
    changed: Arc<Notify>,
    watchers: Arc<Watchers>,
}

impl Watch {
    /// Ready after the next change of the run, from now on.
    pub(in crate::store) fn change(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.watchers.of_one().entry(self.run_id) {
            entry.get_mut().watchers -= 1;
            if entry.get().watchers == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watch_hears_of_its_run_and_leaves_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        let [one, other] = [1, 2].map(|n| {
            let run_id = format!("7c9e6679-7425-40de-944b-{n:012}");
            run_id.parse::<RunId>().unwrap()
        });
        let (first, second) = (watchers.watch(one), watchers.watch(one));
        let (mut any, mut change) = (Box::pin(watchers.any_change()), Box::pin(second.change()));
        watchers.tell(other);
        any.as_mut().await;
        assert!(!change.as_mut().enable(), "that was another run");
        drop(first);
        watchers.tell(one);
        change.as_mut().await;
        drop(change);
        drop(second);
        assert!(watchers.of_one().is_empty());
    }
}
