//! What an update does to its run.

use proptest::{collection::vec, prelude::*};

use super::super::{Kept, LIMITS, Service, of_run};
use crate::{
    run::Status,
    store::Limits,
    testing::{Sent, any_update, proptest_config, update},
};

pub(super) fn an_update_that_was_accepted_is_shown(kept: Kept) {
    let service = Service::new(kept, LIMITS);
    assert_eq!(service.run(1), None);
    service.send(
        1,
        r#"{"status":"running","progress":50,"outputs":[{"id":1}]}"#,
    );
    let run = service.run(1).unwrap();
    assert_eq!(run.status(), Some(Status::Processing));
    assert_eq!(run.outputs().len(), 1);
    assert_eq!(run.seen().first, run.seen().last);
}

pub(super) fn any_order_and_any_repetition_of_updates_ends_in_the_same_state(kept: Kept) {
    // So few bytes that outputs are often left out.
    let limits = Limits {
        runs: 1,
        bytes: 16 * 3 * 240,
        ..LIMITS
    };
    let accept = |service: &Service, n, sent: &Sent| {
        let labels = sent.labels.iter().map(|(name, value)| (name, value));
        let update = of_run(n, &sent.body).with_labels(labels);
        assert_eq!(service.accept(&update), Ok(()));
    };
    let orders = vec(any_update(), 1..12).prop_flat_map(|updates| {
        let repeated = [updates.clone(), updates.clone()].concat();
        (Just(updates), Just(repeated).prop_shuffle())
    });
    let config = ProptestConfig {
        cases: 30,
        ..proptest_config()
    };
    proptest!(config, |((updates, shuffled) in orders)| {
        let service = Service::new(kept, limits);
        for sent in &updates {
            accept(&service, 1, sent);
        }
        let first = service.timeless(1);
        let service = Service::new(kept, limits);
        for sent in &shuffled {
            accept(&service, 1, sent);
            // From a store without a database it would evict the run for good.
            if kept == Kept::InSqlite {
                accept(&service, 2, sent);
            }
        }
        prop_assert_eq!(&service.timeless(1), &first);
        if kept == Kept::InSqlite {
            prop_assert_eq!(&service.restarted().timeless(1), &first);
        }
    });
}

pub(super) fn a_repeat_changes_nothing_but_the_time_and_is_not_written(kept: Kept) {
    let service = Service::new(kept, LIMITS);
    let body = r#"{"status":"running","progress":50,"outputs":[{"id":1}]}"#;
    service.send(1, body);
    let commits = service.commits();
    let before = service.run(1).unwrap();
    service.send(1, body);
    let after = service.run(1).unwrap();
    assert_eq!(service.commits(), commits);
    assert!(after.seen().last >= before.seen().last);
    let mut joined = after.clone();
    assert!(!joined.join(&before, usize::MAX).changed);
    assert_eq!(joined, after);
}

pub(super) fn an_update_without_run_id_touches_nothing(kept: Kept) {
    let service = Service::new(kept, LIMITS);
    service.send(1, r#"{"progress":50}"#);
    let (before, commits) = (service.run(1), service.commits());
    assert_eq!(service.accept(&update(r#"{"progress":60}"#)), Ok(()));
    assert_eq!((service.run(1), service.commits()), (before, commits));
    assert_eq!(service.store.usage().runs, 1);
}

pub(super) fn updates_are_counted_by_outcome_and_dialect(kept: Kept) {
    let service = Service::new(kept, LIMITS);
    let wire = r#"{"event_type":"run.updated","progress":0.5}"#;
    for body in [wire, r#"{"progress":60}"#, r#"{"progress":60}"#, wire] {
        service.send(1, body);
    }
    assert_eq!(service.accept(&update(wire)), Ok(()));
    for (outcome, dialect) in [
        ("applied", "wire"),
        ("applied", "documented"),
        ("no_change", "documented"),
        ("no_change", "wire"),
        ("without_run_id", "wire"),
    ] {
        let name = format!(r#"updates_total{{dialect="{dialect}",outcome="{outcome}"}}"#);
        assert_eq!(service.metric(&name), 1, "{name}");
    }
}
