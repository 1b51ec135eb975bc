//! Property tests of the join: any order and any repetition of its updates ends in the same state of a
//! run.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Run, Seen, Status};
use crate::testing::{Sent, any_update, at, run_id, update};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/wire-", $name, ".json"))
    };
}

/// Every update of one run that succeeds, and the three other ways in which it could have ended.
const WIRE: [&str; 13] = [
    fixture!("01-not-started"),
    fixture!("02-queued"),
    fixture!("03-started"),
    fixture!("04-running-progress"),
    fixture!("05-run-output-text"),
    fixture!("06-run-output-images"),
    fixture!("07-uploading"),
    fixture!("08-success"),
    fixture!("09-late-progress-after-success"),
    fixture!("10-success-again-fresh-urls"),
    fixture!("cancelled"),
    fixture!("failed"),
    fixture!("timeout"),
];

/// Every update of a run whose output is private: plain URLs, which nobody can open, and signed ones. The last signature is
/// that of the third update; its key sorts before that of the second.
const PRIVATE: [&str; 4] = [
    fixture!("private-1-run-output-unsigned"),
    fixture!("private-2-uploading-signed"),
    fixture!("private-3-success-signed-by-another-key"),
    fixture!("private-4-cancelled-unsigned"),
];

/// The state after one more update.
fn with(mut run: Run, body: &str, millis: i64) -> Run {
    run.merge(&update(body), at(millis), usize::MAX);
    run
}

/// The state after one update.
fn one(body: &str, millis: i64) -> Run {
    with(Run::new(run_id(0), at(millis)), body, millis)
}

fn joined(a: &Run, b: &Run) -> Run {
    let mut run = a.clone();
    run.join(b, OUTPUT_BYTES);
    run
}

/// Whether `b` holds all that `a` holds. The join of two states is their least upper bound in this order.
fn at_most(a: &Run, b: &Run) -> bool {
    joined(a, b) == *b
}

/// The state in which every permutation ends, by induction: for each set of updates, the state is the same whichever
/// update came last. So every way to add them one by one, which is every permutation, ends in the same state.
fn end_of_every_permutation(updates: &[&str]) -> Run {
    let mut after: Vec<Option<Run>> = vec![None; 1 << updates.len()];
    for set in 1..after.len() {
        for (last, body) in updates
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
        {
            let millis = i64::try_from(last).unwrap();
            let state = match after[set & !(1 << last)].clone() {
                Some(before) => with(before, body, millis),
                None => one(body, millis),
            };
            assert_eq!(
                with(state.clone(), body, millis),
                state,
                "a repetition changes nothing"
            );
            let known = after[set].get_or_insert_with(|| state.clone());
            assert_eq!(*known, state, "{set:b}: the order matters");
        }
    }
    after.pop().flatten().unwrap()
}

#[test]
fn every_permutation_of_the_wire_fixtures_ends_in_the_same_state() {
    let end = end_of_every_permutation(&WIRE);
    let status = end.platform_status().unwrap();
    assert_eq!(
        (status.word(), status.documented()),
        ("success", Status::Completed)
    );
    assert_eq!(serde_json::to_string(&end.progress()).unwrap(), "98");
    assert_eq!(end.live_status(), Some("Executing SaveImage"));
    let seen = Seen {
        first: at(0),
        last: at(12),
        queued: Some(at(0)),
        started: Some(at(2)),
        ended: Some(at(7)),
    };
    assert_eq!(end.seen(), seen);
    assert_eq!(end.outputs().len(), 3);
    let outputs = serde_json::to_string(end.outputs()).unwrap();
    let place = |id: &str| outputs.find(&format!(r#""id": "{id}"#)).unwrap();
    let places = ["a8098c1a", "3b241101", "6fa459ea"].map(place);
    assert!(places.is_sorted(), "they are in the order they were made");
    assert_eq!(
        outputs.matches("X-Amz-Signature").count(),
        2,
        "the fresh URLs are kept"
    );
}

#[test]
fn every_permutation_of_a_private_runs_updates_ends_with_the_url_that_was_signed_last() {
    let end = end_of_every_permutation(&PRIVATE);
    assert_eq!(end.outputs().len(), 1);
    let outputs = serde_json::to_string(end.outputs()).unwrap();
    assert!(outputs.contains("X-Amz-Date=20260301T134500Z"), "{outputs}");
}

#[test]
fn live_status_belongs_to_the_furthest_point_in_either_dialect() {
    let further = r#"{"status":"processing","progress":50,"live_status":"further"}"#;
    let behind =
        r#"{"event_type":"run.updated","status":"running","progress":0.1,"live_status":"behind"}"#;
    let run = with(one(further, 1), behind, 2);
    assert_eq!(run.live_status(), Some("further"));
    assert_eq!(
        run.platform_status().unwrap().word(),
        "running",
        "the wire's word for the same stage"
    );
    let timed_out = with(run, r#"{"status":"timeout"}"#, 3);
    assert_eq!(
        timed_out.live_status(),
        None,
        "the furthest point has no live status"
    );
}

/// So few that outputs are often left out, and often not.
const OUTPUT_BYTES: usize = 3 * 240;

fn any_state() -> impl Strategy<Value = Run> {
    (any_update(), vec(any_update(), 0..6))
        .prop_map(|(first, rest)| first.then(&rest, 0, OUTPUT_BYTES))
}

/// Many updates, and the same ones in another order with some of them repeated.
fn updates_in_two_orders() -> impl Strategy<Value = (Vec<Sent>, Vec<Sent>)> {
    vec(any_update(), 1..60).prop_flat_map(|updates| {
        let repeated = vec(select(updates.clone()), 0..30);
        let shuffled = repeated
            .prop_map({
                let updates = updates.clone();
                move |repeated| [repeated, updates.clone()].concat()
            })
            .prop_shuffle();
        (Just(updates), shuffled)
    })
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    #[test]
    fn the_join_is_commutative(a in any_state(), b in any_state()) {
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
    }

    #[test]
    fn the_join_is_associative(a in any_state(), b in any_state(), c in any_state()) {
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
    }

    #[test]
    fn the_join_is_idempotent(a in any_state(), b in any_state()) {
        prop_assert_eq!(joined(&a, &a), a.clone());
        let both = joined(&a, &b);
        prop_assert_eq!(joined(&both, &b), both);
    }

    #[test]
    fn the_join_is_monotone(a in any_state(), b in any_state(), c in any_state()) {
        let larger = joined(&a, &b);
        prop_assert!(at_most(&a, &larger) && at_most(&b, &larger));
        prop_assert!(at_most(&joined(&a, &c), &joined(&larger, &c)));
    }

    #[test]
    fn merging_an_update_is_joining_the_state_it_describes(a in any_state(), sent in any_update()) {
        let mut merged = a.clone();
        sent.merge_into(&mut merged, OUTPUT_BYTES);
        prop_assert_eq!(merged, joined(&a, &sent.then(&[], 0, OUTPUT_BYTES)));
    }

    #[test]
    fn a_merge_returns_whether_it_changed_anything(a in any_state(), sent in any_update()) {
        let mut after = a.clone();
        let changed = sent.merge_into(&mut after, OUTPUT_BYTES).changed;
        let mut before = a;
        let seen_last = Run::new(before.id(), at(sent.millis).max(before.seen().first));
        before.join(&seen_last, OUTPUT_BYTES);
        prop_assert_eq!(changed, after != before);
    }

    #[test]
    fn any_order_and_any_repetition_of_updates_ends_in_the_same_state(
        (updates, shuffled) in updates_in_two_orders(),
    ) {
        let end = |updates: &[Sent]| updates[0].then(&updates[1..], 0, OUTPUT_BYTES);
        prop_assert_eq!(end(&updates), end(&shuffled));
    }
}
