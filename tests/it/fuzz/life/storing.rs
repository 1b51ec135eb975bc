//! What the store may do with the updates of a life: merge them, or refuse them without a trace, and
//! stay in its bounds.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use comfydeploy_webhook::{
    metrics::Metrics,
    run::{Outputs, PlatformStatus, Run, RunId, Status, Timestamp, Update},
    store::{Limits, Outcome, Store, Usage},
};

use super::{Arrival, run_id};

/// Few runs, and few bytes: the first forgets runs for their number, the second for their size.
const LIMITS: [Limits; 2] = [
    Limits {
        runs: 2,
        bytes: 16 * 2048,
        retention: Duration::from_millis(100),
        backlog: 4,
    },
    Limits {
        runs: 100,
        bytes: 16 * 512,
        retention: Duration::from_millis(100),
        backlog: 4,
    },
];

pub(super) fn check(life: &[Arrival<'_>]) {
    for limits in LIMITS {
        let store = store(limits);
        for (n, arrival) in life.iter().enumerate() {
            // An update that names no run is about one of many, so that a short life has some of them
            // again and still can be more than there is room for.
            let id = arrival.update.run_id;
            let id = id.unwrap_or_else(|| run_id(n % 24));
            merge(&store, limits, id, arrival);
            assert_bounded(&store, limits);
            expire(&store, limits, arrival);
        }
        assert_listed(&store);
    }
}

fn store(limits: Limits) -> Store {
    // One for all: nothing here reads them, and to make them takes long.
    static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(Metrics::new);
    Store::new(limits, &METRICS)
}

fn listed(store: &Store, status: Option<Status>) -> Vec<Run> {
    let page = store.page(status, None, usize::MAX);
    assert_eq!(page.next, None);
    page.runs
}

/// Bytes that a run is counted for: what it takes itself, and as much more as a run of nothing.
fn size(run: &Run) -> usize {
    static OVERHEAD: LazyLock<usize> = LazyLock::new(|| {
        let (store, update) = (store(LIMITS[0]), Update::parse(b"{}").unwrap());
        let at = Timestamp::from_millis(0).unwrap();
        store.apply(run_id(0), &update, at).unwrap();
        store.usage().bytes
    });
    run.heap_bytes() + *OVERHEAD
}

fn merge(store: &Store, limits: Limits, id: RunId, arrival: &Arrival<'_>) {
    let (all_before, before, usage) = (listed(store, None), store.get(id), store.usage());
    let mut run = before.clone();
    let run = run.get_or_insert_with(|| Run::new(id, arrival.at));
    let news = run.merge(&arrival.update, arrival.at) || before.is_none();
    let most = limits.bytes / 16;
    let fits = size(run) <= most && run.outputs().len() <= Outputs::MOST;
    match store.apply(id, &arrival.update, arrival.at) {
        Ok(outcome) => {
            assert!(fits);
            assert_eq!(outcome == Outcome::Applied, news);
            assert_eq!(store.get(id).as_ref(), Some(&*run));
            let runs = usage.runs + usize::from(before.is_none());
            let bytes = usage.bytes - before.map_or(0, |before| size(&before)) + size(run);
            let has_room = runs <= limits.runs && bytes <= limits.bytes;
            assert_eq!(store.usage() == Usage { runs, bytes }, has_room);
        }
        Err(too_large) => {
            assert!(!fits);
            assert_eq!(too_large.bytes, most);
            assert_eq!(store.get(id), before);
            assert_eq!(listed(store, None), all_before);
        }
    }
}

fn assert_bounded(store: &Store, limits: Limits) {
    let all = listed(store, None);
    assert!(all.len() <= limits.runs);
    let sizes = all.iter().map(size);
    assert!(sizes.clone().all(|size| size <= limits.bytes / 16));
    let (runs, bytes) = (all.len(), sizes.sum());
    assert!(bytes <= limits.bytes);
    assert_eq!(store.usage(), Usage { runs, bytes });
}

/// Each list has the runs of its status, and they are those that are found by their ids.
fn assert_listed(store: &Store) {
    let all = listed(store, None);
    for run in &all {
        assert_eq!(*run, store.get(run.id()).unwrap());
    }
    for status in Status::ALL {
        let mut expected = all.clone();
        expected
            .retain(|run| run.platform_status().map(PlatformStatus::documented) == Some(status));
        assert_eq!(listed(store, Some(status)), expected);
    }
}

/// Only what is too old is dropped; the clock may go back, so not all of that is.
fn expire(store: &Store, limits: Limits, arrival: &Arrival<'_>) {
    let before = listed(store, None);
    store.expire(arrival.at);
    let retention = i64::try_from(limits.retention.as_millis()).unwrap();
    for run in before {
        let age = arrival.at.as_millis() - run.seen().last.as_millis();
        let kept = store.get(run.id());
        assert!(kept.map_or(age > retention, |kept| kept == run));
    }
}
