//! What is not kept: runs, outputs and labels over a limit.

use std::time::{Duration, Instant};

use super::super::{Kept, LIMITS, Service, of_run};
use crate::{
    run::Run,
    store::Limits,
    testing::{run_id, until},
};

pub(super) fn an_evicted_run_goes_on_as_it_was_if_there_is_a_database(kept: Kept) {
    let service = Service::new(kept, Limits { runs: 2, ..LIMITS });
    service.send(
        1,
        r#"{"status":"running","progress":50,"outputs":[{"id":1},{"id":2}]}"#,
    );
    let before = service.run(1).unwrap();
    service.send(2, "{}");
    service.send(3, "{}");
    assert_eq!(service.store.usage().runs, 2);
    let evicted = service.run(1);
    let is_kept = kept == Kept::InSqlite;
    assert_eq!(evicted.is_some(), is_kept);
    service.send(1, r#"{"progress":20,"outputs":[{"id":3}]}"#);
    let after = service.run(1).unwrap();
    if is_kept {
        assert_eq!(evicted, Some(before.clone()));
        assert_eq!(
            (after.progress(), after.outputs().len()),
            (before.progress(), 3)
        );
        assert_eq!(after.seen().first, before.seen().first);
    } else {
        assert_eq!((after.status(), after.outputs().len()), (None, 1));
    }
}

pub(super) fn outputs_over_the_limit_are_left_out_alike_in_every_order_and_after_a_restart(
    kept: Kept,
) {
    let output = |id: &str| {
        let data = "x".repeat(25_000);
        format!(r#"{{"outputs":[{{"id":"{id}","data":"{data}"}}]}}"#)
    };
    // There is room for two.
    let mut ends = Vec::new();
    for order in [
        ["a", "b", "c"],
        ["a", "c", "b"],
        ["b", "a", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["c", "b", "a"],
    ] {
        for is_restarted in [false, kept == Kept::InSqlite] {
            let mut service = Service::new(kept, LIMITS);
            for id in order {
                service.send(1, &output(id));
                if is_restarted {
                    service = service.restarted();
                }
            }
            ends.push(service.timeless(1).unwrap());
        }
    }
    assert_eq!(ends[0].outputs().len(), 2);
    assert!(ends[0].outputs().is_incomplete());
    assert!(ends.iter().all(|end| *end == ends[0]));
}

pub(super) fn what_is_left_out_is_counted(kept: Kept) {
    let bytes = 64 * 1024 * 1024;
    let service = Service::new(kept, Limits { bytes, ..LIMITS });
    let outputs: Vec<_> = (0..1_003).map(|n| format!(r#"{{"id":{n}}}"#)).collect();
    let body = format!(r#"{{"outputs":[{}]}}"#, outputs.join(","));
    let names: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    for times in 1..=2 {
        let labels = names.iter().map(|name| (name, ""));
        let update = of_run(1, &body).with_labels(labels);
        assert_eq!(service.accept(&update), Ok(()));
        let counted =
            ["outputs", "labels"].map(|what| service.metric(&format!("{what}_left_out_total")));
        assert_eq!(counted, [times * 3, times * 4]);
    }
}

pub(super) fn a_run_is_removed_when_its_last_update_is_older_than_the_retention_time(kept: Kept) {
    let retention = Duration::from_millis(20);
    let service = Service::new(
        kept,
        Limits {
            retention,
            ..LIMITS
        },
    );
    service.send(1, "{}");
    let start = Instant::now();
    until("it is removed", || {
        if kept == Kept::InMemory {
            service.store.expire(start);
            service.store.expire(start + 2 * retention);
        }
        service.run(1).is_none()
    });
    let evictions = r#"run_evictions_total{cause="retention"}"#;
    until("it is counted", || service.metric(evictions) == 1);
    assert_eq!(service.store.usage().runs, 0);
}

pub(super) fn a_restart_keeps_the_runs_if_there_is_a_database(kept: Kept) {
    let service = Service::new(kept, Limits { runs: 3, ..LIMITS });
    let runs = || (0..5).map(|n| service.run(n));
    for n in 0..5 {
        service.send(n, r#"{"status":"running","outputs":[{"id":1}]}"#);
    }
    let before: Vec<Option<Run>> = runs().collect();
    let service = service.restarted();
    let after: Vec<Option<Run>> = (0..5).map(|n| service.run(n)).collect();
    match kept {
        Kept::InMemory => assert_eq!(after, vec![None; 5]),
        Kept::InSqlite => {
            assert_eq!(after, before);
            assert!(service.store.get(run_id(1)).is_none());
        }
    }
    let in_store = if kept == Kept::InMemory { 0 } else { 3 };
    assert_eq!(service.store.usage().runs, in_store);
}
