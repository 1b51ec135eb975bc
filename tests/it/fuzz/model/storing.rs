//! Checks the store: it has to merge an update as a run alone does, and stay within its limits.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use comfydeploy_webhook::{
    metrics::Metrics,
    run::{Merged, PlatformStatus, Run, RunId, Status, Timestamp, Update},
    store::{Filter, Limits, PageSearch, Store, Usage},
};

use super::{Received, run_id};

/// Limits so low that the first store evicts runs for their number, the second for their size.
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

/// More than what the store keeps for the 24 runs that there are here at a time, at most.
const SPARE: usize = 24 * 512;

pub(super) fn check(updates: &[Received<'_>]) {
    for limits in LIMITS {
        let store = store(limits);
        let mut now = Instant::now();
        let mut last_updates = HashMap::new();
        for (n, received) in updates.iter().enumerate() {
            // An update without a run_id gets one of 24 ids, so that a short input updates some runs
            // twice and can still exceed the limits.
            let id = received.update.run_id;
            let id = id.unwrap_or_else(|| run_id(n % 24));
            // Unlike the time that the run shows, this one never goes back.
            now += Duration::from_millis(received.at.as_millis().unsigned_abs());
            merge(&store, limits, id, received);
            last_updates.insert(id, now);
            assert_bounded(&store, limits);
            expire(&store, limits, now, &last_updates);
        }
        assert_listed(&store);
    }
}

fn store(limits: Limits) -> Store {
    // Shared, because nothing here reads them and creating them is slow.
    static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(Metrics::new);
    Store::new(limits, &METRICS)
}

fn listed(store: &Store, status: Option<Status>) -> Vec<Run> {
    let filter = Filter::default().with_status(status);
    let mut search = PageSearch::new(filter, None, usize::MAX);
    let page = store.search(&mut search).unwrap();
    assert_eq!(page.next, None);
    page.runs
}

/// The bytes that the store counts for a run: its heap bytes, and those of an empty run.
fn size(run: &Run) -> usize {
    static OVERHEAD: LazyLock<usize> = LazyLock::new(|| {
        let (store, update) = (store(LIMITS[0]), Update::parse(b"{}").unwrap());
        let at = Timestamp::from_millis(0).unwrap();
        store.apply(run_id(0), &update, at);
        store.usage().bytes
    });
    run.heap_bytes() + *OVERHEAD
}

fn merge(store: &Store, limits: Limits, id: RunId, received: &Received<'_>) {
    let (before, usage) = (store.get(id), store.usage());
    let mut run = before.clone();
    let run = run.get_or_insert_with(|| Run::new(id, received.at));
    let expected = run.merge(&received.update, received.at, limits.bytes / 16);
    let merged = store.apply(id, &received.update, received.at);
    let changed = expected.changed || before.is_none();
    assert_eq!(
        merged,
        Merged {
            changed,
            ..expected
        }
    );
    assert_eq!(store.get(id).as_ref(), Some(&*run));
    let runs = usage.runs + usize::from(before.is_none());
    let bytes = usage.bytes - before.map_or(0, |before| size(&before)) + size(run);
    let has_room = runs <= limits.runs && bytes <= limits.bytes;
    let evicted = store.usage() != Usage { runs, bytes };
    // The store also counts what it keeps for as many runs as there were before.
    assert!(if has_room {
        !evicted || bytes + SPARE > limits.bytes
    } else {
        evicted
    });
}

fn assert_bounded(store: &Store, limits: Limits) {
    let all = listed(store, None);
    assert!(all.len() <= limits.runs);
    let (runs, bytes) = (all.len(), all.iter().map(size).sum());
    assert!(bytes <= limits.bytes);
    assert_eq!(store.usage(), Usage { runs, bytes });
}

/// Each list holds exactly the runs with its status, the same as a lookup by id finds.
fn assert_listed(store: &Store) {
    let all = listed(store, None);
    for run in &all {
        assert_eq!(*run, store.get(run.id()).unwrap());
    }
    for &status in Status::ALL {
        let mut expected = all.clone();
        expected
            .retain(|run| run.platform_status().map(PlatformStatus::documented) == Some(status));
        assert_eq!(listed(store, Some(status)), expected);
    }
}

/// Expiry drops the runs that are too old, and leaves the others as they are.
fn expire(store: &Store, limits: Limits, now: Instant, last_updates: &HashMap<RunId, Instant>) {
    let before = listed(store, None);
    store.expire(now);
    for run in before {
        let age = now - last_updates[&run.id()];
        let expected = (age <= limits.retention).then(|| run.clone());
        assert_eq!(store.get(run.id()), expected);
    }
}
