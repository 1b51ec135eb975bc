//! The store's limits, and reading all pages while runs change.

mod following;

use std::collections::HashSet;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::testing::{at, run_id, update};

const LIMITS: Limits = Limits {
    runs: 8,
    bytes: 1024 * 1024,
    retention: Duration::from_secs(10),
    backlog: 20,
};

fn store(limits: Limits) -> Store {
    Store::new(limits, &Metrics::new())
}

/// Applies an update of the nth run. Says whether it changed the run.
fn apply(store: &Store, n: usize, body: &str, millis: i64) -> bool {
    apply_labelled(store, n, body, None, millis)
}

/// The same, for an update with one label.
fn apply_labelled(
    store: &Store,
    n: usize,
    body: &str,
    label: Option<(&str, &str)>,
    millis: i64,
) -> bool {
    let update = update(body).with_labels(label.into_iter());
    store.apply(run_id(n), &update, at(millis)).changed
}

/// A page of all runs that `filter` matches.
fn page(store: &Store, filter: Filter, after: Option<Position>, limit: usize) -> Page {
    let mut search = PageSearch::new(filter, after, limit);
    std::iter::repeat_with(|| store.search(&mut search))
        .flatten()
        .next()
        .unwrap()
}

#[test]
fn an_update_is_applied_once_and_then_changes_nothing() {
    let store = store(LIMITS);
    assert!(apply(&store, 1, "{}", 1));
    assert!(!apply(&store, 1, "{}", 2));
    let progress = r#"{"progress":1}"#;
    assert!(apply(&store, 1, progress, 3));
    assert!(!apply(&store, 1, progress, 4));
    assert_eq!(store.get(run_id(1)).unwrap().seen().last, at(4));
}

#[test]
fn a_run_that_was_read_does_not_change_with_later_updates() {
    let store = store(LIMITS);
    let outputs = |run: &Run| serde_json::to_string(run.outputs()).unwrap();
    apply(&store, 1, r#"{"progress":1,"outputs":[{"id":1}]}"#, 1);
    let read = store.get(run_id(1)).unwrap();
    let more = r#"{"progress":2,"outputs":[{"id":1,"updated_at":1},{"id":2}]}"#;
    apply(&store, 1, more, 2);
    assert_eq!(outputs(&read), r#"[{"id":1}]"#);
    assert_eq!(read.seen().last, at(1));
    let now = store.get(run_id(1)).unwrap();
    assert_eq!(outputs(&now), r#"[{"id":1,"updated_at":1},{"id":2}]"#);
    assert!(read.progress() < now.progress());
}

#[test]
fn a_full_store_evicts_the_least_recently_updated_run_even_if_it_was_just_read() {
    let store = store(Limits { runs: 2, ..LIMITS });
    apply(&store, 1, "{}", 1);
    apply(&store, 2, "{}", 2);
    assert!(store.get(run_id(1)).is_some());
    assert!(store.look(&mut store.watch(run_id(1))).is_some());
    assert_eq!(page(&store, Filter::default(), None, 9).runs.len(), 2);
    apply(&store, 3, "{}", 3);
    let kept = [1, 2, 3].map(|n| store.get(run_id(n)).is_some());
    assert_eq!(kept, [false, true, true]);
}

#[test]
fn a_run_is_evicted_when_its_last_update_is_older_than_the_retention_time() {
    let store = store(LIMITS);
    let start = Instant::now();
    let expire = |millis| store.expire(start + Duration::from_millis(millis));
    apply(&store, 1, "{}", 0);
    apply(&store, 2, "{}", 0);
    expire(0);
    apply(&store, 1, "{}", 0);
    expire(5_000);
    assert!(!expire(10_000), "there are no more");
    assert!(
        store.get(run_id(2)).is_some(),
        "exactly the retention time ago is not too long ago"
    );
    expire(10_001);
    assert!(store.get(run_id(2)).is_none());
    assert!(store.get(run_id(1)).is_some());
}

#[test]
fn a_clock_that_is_wrong_for_one_update_keeps_no_run_and_evicts_none() {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let store = store(LIMITS);
    let start = Instant::now();
    for (n, day) in [(1, 400), (2, 0), (3, 1_000), (4, -400)] {
        apply(&store, n, "{}", day * DAY);
    }
    store.expire(start);
    apply(&store, 5, "{}", -10_000 * DAY);
    store.expire(start + Duration::from_secs(10));
    assert_eq!(store.usage().runs, 5, "each was updated just now");
    store.expire(start + Duration::from_secs(11));
    let kept = page(&store, Filter::default(), None, 9).runs;
    let kept: Vec<_> = kept.iter().map(Run::id).collect();
    assert_eq!(kept, [run_id(5)]);
}

#[test]
fn expired_runs_are_evicted_in_batches() {
    let store = store(Limits {
        runs: 1_000,
        ..LIMITS
    });
    for n in 0..EVICTION_BATCH {
        apply(&store, n, "{}", 0);
    }
    let start = Instant::now();
    store.expire(start);
    let later = start + Duration::from_secs(20);
    assert!(store.expire(later), "there may be more");
    assert!(!store.expire(later));
    assert!(page(&store, Filter::default(), None, 9).runs.is_empty());
}

#[test]
fn an_update_evicts_as_many_runs_as_it_takes_to_make_room() {
    let bytes = 5_000 * RUN_OVERHEAD;
    let store = store(Limits {
        runs: 10_000,
        bytes,
        ..LIMITS
    });
    for (n, at) in (0..5_000).zip(0..) {
        apply(&store, n, "{}", at);
    }
    assert_eq!(store.usage(), Usage { runs: 5_000, bytes });
    let data = "x".repeat(250 * RUN_OVERHEAD);
    let large = format!(r#"{{"outputs":[{{"id":1,"data":"{data}"}}]}}"#);
    apply(&store, 5_000, &large, 5_000);
    let usage = store.usage();
    assert!(usage.bytes <= bytes && usage.runs <= 4_750, "{usage:?}");
    assert!(store.get(run_id(5_000)).is_some());
}

#[test]
fn the_outputs_of_a_run_take_at_most_a_sixteenth_of_all_bytes() {
    let store = store(LIMITS);
    let with = |id: &str, date: u8, size| {
        let data = "x".repeat(size);
        format!(r#"{{"outputs":[{{"id":"{id}","updated_at":{date},"data":"{data}"}}]}}"#)
    };
    assert!(apply(&store, 1, &with("a", 1, 40_000), 1));
    assert!(apply(&store, 1, &with("a", 2, 40_000), 2));
    assert!(!apply(&store, 1, &with("a", 1, 40_000), 3));
    assert!(!store.get(run_id(1)).unwrap().outputs().is_incomplete());
    assert!(apply(&store, 1, &with("b", 1, 40_000), 4));
    assert!(!apply(&store, 1, &with("b", 1, 40_000), 5));
    let run = store.get(run_id(1)).unwrap();
    let outputs = serde_json::to_string(run.outputs()).unwrap();
    assert!(outputs.starts_with(r#"[{"id":"a","updated_at":2"#));
    assert!((run.outputs().len(), run.outputs().is_incomplete()) == (1, true));
    assert_eq!(run.seen().last, at(5));
}

#[test]
fn a_run_holds_at_most_1000_outputs() {
    let store = store(Limits {
        bytes: 1 << 30,
        ..LIMITS
    });
    let with = |outputs: std::ops::Range<usize>| {
        let outputs: Vec<_> = outputs.map(|n| format!(r#"{{"id":{n}}}"#)).collect();
        format!(r#"{{"outputs":[{}]}}"#, outputs.join(","))
    };
    assert!(apply(&store, 1, &with(1_000..2_000), 1));
    assert!(!apply(&store, 1, &with(1_500..2_000), 2));
    assert!(!store.get(run_id(1)).unwrap().outputs().is_incomplete());
    let left_out = |outputs, millis| {
        let body = with(outputs);
        store
            .apply(run_id(1), &update(&body), at(millis))
            .outputs_left_out
    };
    assert_eq!(left_out(1_999..2_001, 3), 1);
    assert_eq!(left_out(3_000..4_100, 4), 1_100);
    let run = store.get(run_id(1)).unwrap();
    assert!((run.outputs().len(), run.outputs().is_incomplete()) == (1_000, true));
}

#[test]
fn a_search_for_few_of_many_runs_holds_the_lock_for_a_batch_at_a_time() {
    let store = store(Limits {
        runs: 1_000,
        ..LIMITS
    });
    for n in 0..1_000 {
        let label = (n % 500 == 0).then_some(("user", "42"));
        apply_labelled(&store, n, "{}", label, 0);
    }
    let filter = Filter::default().with_labels(["user:42".parse().unwrap()]);
    let mut search = PageSearch::new(filter.clone(), None, 1);
    let steps = std::iter::from_fn(|| match store.search(&mut search) {
        Some(page) => {
            assert_eq!(page.runs[0].id(), run_id(500));
            assert!(page.next.is_some());
            None
        }
        None => Some(()),
    });
    assert_eq!(steps.count(), 998 / Runs::SEARCH_BATCH);
    let rest = page(
        &store,
        filter,
        page(&store, Filter::default(), None, 501).next,
        1,
    );
    assert_eq!(rest.runs[0].id(), run_id(0));
    assert_eq!(rest.next, None);
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    /// Runs 0 to 7 fit. Each is updated again and again between two pages, to any status, and the clock may
    /// stand still or go back.
    #[test]
    fn reading_all_pages_gives_every_run_once_while_runs_change(
        limit in 1_usize..4,
        updates in vec(vec((0_u16..8, 0_usize..5, 0_i64..5), 0..5), 9),
    ) {
        let store = store(LIMITS);
        for (n, millis) in (0..8).zip([0, 0, 0, 1, 1, 1, 2, 2]) {
            apply(&store, n, "{}", millis);
        }
        let (mut read, mut after) = (Vec::new(), None);
        for updates in updates {
            let Page { runs, next } = page(&store, Filter::default(), after, limit);
            read.extend(runs.iter().map(Run::id));
            for (n, status, millis) in updates {
                let status = ["queued", "running", "uploading", "failed", "success"][status];
                apply(&store, n.into(), &format!(r#"{{"status":"{status}"}}"#), millis);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(read.len(), 8);
        prop_assert_eq!(read.into_iter().collect::<HashSet<_>>().len(), 8);
    }
}
