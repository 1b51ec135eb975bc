//! The store's bounds, and walks through it while it changes.

use std::collections::{HashMap, HashSet};

use proptest::{collection::vec, prelude::*};

use super::*;

const LIMITS: Limits = Limits {
    runs: 8,
    bytes: 1024 * 1024,
    retention: Duration::from_secs(10),
    changes: 20,
};

fn store(limits: Limits) -> Store {
    Store::new(limits, &Metrics::new())
}

fn run_id(n: u16) -> RunId {
    format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn merge(store: &Store, n: u16, body: &str, millis: i64) -> Result<Merged, RunTooLarge> {
    let update = Update::parse(body.as_bytes()).unwrap();
    store.merge(run_id(n), &update, at(millis))
}

#[test]
fn an_update_is_applied_once_and_then_changes_nothing() {
    let store = store(LIMITS);
    assert_eq!(merge(&store, 1, "{}", 1), Ok(Merged::Applied));
    assert_eq!(merge(&store, 1, "{}", 2), Ok(Merged::NoChange));
    assert_eq!(
        merge(&store, 1, r#"{"progress":1}"#, 3),
        Ok(Merged::Applied)
    );
    assert_eq!(
        merge(&store, 1, r#"{"progress":1}"#, 4),
        Ok(Merged::NoChange)
    );
    assert_eq!(store.get(run_id(1)).unwrap().seen().last, at(4));
}

#[test]
fn a_reader_keeps_the_state_it_took() {
    let store = store(LIMITS);
    let outputs = |run: &Run| serde_json::to_string(run.outputs()).unwrap();
    merge(&store, 1, r#"{"progress":1,"outputs":[{"id":1}]}"#, 1).unwrap();
    let taken = store.get(run_id(1)).unwrap();
    let more = r#"{"progress":2,"outputs":[{"id":1,"updated_at":1},{"id":2}]}"#;
    merge(&store, 1, more, 2).unwrap();
    assert_eq!(outputs(&taken), r#"[{"id":1}]"#);
    assert_eq!(taken.seen().last, at(1));
    let now = store.get(run_id(1)).unwrap();
    assert_eq!(outputs(&now), r#"[{"id":1,"updated_at":1},{"id":2}]"#);
    assert!(taken.progress() < now.progress());
}

#[test]
fn a_run_is_dropped_when_its_last_update_is_too_long_ago() {
    let store = store(LIMITS);
    merge(&store, 1, "{}", 0).unwrap();
    merge(&store, 2, "{}", 1).unwrap();
    merge(&store, 1, "{}", 5_000).unwrap();
    assert!(!store.expire(at(10_001)), "there are no more");
    assert!(
        store.get(run_id(2)).is_some(),
        "not too long ago, just as long"
    );
    store.expire(at(10_002));
    assert!(store.get(run_id(2)).is_none());
    assert!(store.get(run_id(1)).is_some());
}

#[test]
fn however_many_runs_are_to_be_dropped_it_takes_but_some_turns() {
    let store = store(Limits {
        runs: 1_000,
        ..LIMITS
    });
    let runs = 255;
    for (n, at) in (0..runs).zip(0..) {
        merge(&store, n, "{}", at).unwrap();
    }
    merge(&store, runs, "{}", 300).unwrap();
    assert!(store.expire(at(20_000)), "there may be more");
    assert!(!store.expire(at(20_000)));
    assert!(store.page(None, None, 9).runs.is_empty());
}

#[test]
fn one_update_makes_room_for_itself_however_many_runs_that_takes() {
    let bytes = 5_000 * RUN_OVERHEAD;
    let store = store(Limits {
        runs: 10_000,
        bytes,
        ..LIMITS
    });
    for (n, at) in (0..5_000).zip(0..) {
        merge(&store, n, "{}", at).unwrap();
    }
    assert_eq!(store.usage(), Usage { runs: 5_000, bytes });
    let data = "x".repeat(300 * RUN_OVERHEAD);
    let large = format!(r#"{{"outputs":[{{"id":1,"data":"{data}"}}]}}"#);
    merge(&store, 5_000, &large, 5_000).unwrap();
    let usage = store.usage();
    assert!(usage.bytes <= bytes && usage.runs <= 4_700, "{usage:?}");
    assert!(store.get(run_id(5_000)).is_some());
}

#[test]
fn a_run_that_is_nearly_too_large_takes_what_replaces_and_what_it_knows() {
    let store = store(LIMITS);
    let with = |date: u8, size| {
        let data = "x".repeat(size);
        format!(r#"{{"outputs":[{{"id":1,"updated_at":{date},"data":"{data}"}}]}}"#)
    };
    assert_eq!(merge(&store, 1, &with(1, 40_000), 1), Ok(Merged::Applied));
    assert_eq!(merge(&store, 1, &with(2, 40_000), 2), Ok(Merged::Applied));
    assert_eq!(merge(&store, 1, &with(1, 40_000), 3), Ok(Merged::NoChange));
    assert!(merge(&store, 1, &with(3, 70_000), 4).is_err());
    let kept = store.get(run_id(1)).unwrap();
    assert!(
        serde_json::to_string(kept.outputs())
            .unwrap()
            .contains("\"updated_at\":2")
    );
    assert_eq!(kept.seen().last, at(3), "a refused update leaves no trace");
}

#[test]
fn a_run_holds_so_many_outputs_and_no_more() {
    let store = store(Limits {
        bytes: 1 << 30,
        ..LIMITS
    });
    let with = |outputs: std::ops::Range<usize>| {
        let outputs: Vec<_> = outputs.map(|n| format!(r#"{{"id":{n}}}"#)).collect();
        format!(r#"{{"outputs":[{}]}}"#, outputs.join(","))
    };
    assert_eq!(merge(&store, 1, &with(0..1_000), 1), Ok(Merged::Applied));
    assert_eq!(merge(&store, 1, &with(500..1_000), 2), Ok(Merged::NoChange));
    assert!(merge(&store, 1, &with(999..1_001), 3).is_err());
    assert_eq!(store.get(run_id(1)).unwrap().outputs().len(), 1_000);
}

#[test]
fn a_run_that_would_be_too_large_is_not_begun() {
    let store = store(LIMITS);
    let large = format!(
        r#"{{"live_status":"{}"}}"#,
        "x".repeat(LIMITS.bytes / 16 + 1)
    );
    let bytes = LIMITS.bytes / 16;
    assert_eq!(merge(&store, 1, &large, 1), Err(RunTooLarge { bytes }));
    assert!(store.get(run_id(1)).is_none());
    assert!(store.page(None, None, 9).runs.is_empty());
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    /// Runs 0 to 7 fit; each is updated again and again while the walk goes on, by any status, and
    /// the clock may stand still or go back.
    #[test]
    fn a_walk_meets_every_run_once_whatever_happens_meanwhile(
        limit in 1_usize..4,
        updates in vec(vec((0_u16..8, 0_usize..5, 0_i64..5), 0..5), 9),
    ) {
        let store = store(LIMITS);
        for n in 0..8 {
            merge(&store, n, "{}", i64::from(n / 3)).unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        for updates in updates {
            let page = store.page(None, after, limit);
            seen.extend(page.runs.iter().map(Run::id));
            for (n, status, millis) in updates {
                let status = ["queued", "running", "uploading", "failed", "success"][status];
                merge(&store, n, &format!(r#"{{"status":"{status}"}}"#), millis).unwrap();
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen.len(), 8);
        prop_assert_eq!(seen.into_iter().collect::<HashSet<_>>().len(), 8);
    }
}

/// A subscriber, and the runs it knows of.
struct Subscriber {
    follower: Follower,
    status: Option<Status>,
    live_from: Option<Revision>,
    known: HashMap<RunId, Run>,
    told: Option<HashSet<RunId>>,
}

impl Subscriber {
    fn new(status: Option<Status>) -> Self {
        Self {
            follower: Follower::new(status, usize::MAX, Cause::Start),
            status,
            live_from: None,
            known: HashMap::new(),
            told: None,
        }
    }

    /// Takes one step; says whether there may be another.
    fn step(&mut self, store: &Store) -> bool {
        match store.next(&mut self.follower) {
            Next::Snapshot(_) => self.told = Some(HashSet::new()),
            Next::Present(run) => {
                self.told.as_mut().unwrap().insert(run.id());
                self.known.insert(run.id(), run);
            }
            Next::Live(revision) => {
                let told = self.told.take().unwrap();
                self.known.retain(|run_id, _| told.contains(run_id));
                self.live_from = Some(revision);
            }
            Next::Changed(revision, run) => {
                self.known.insert(run.id(), run);
                self.live_from = Some(revision);
            }
            Next::Removed(revision, run_id) => {
                self.known.remove(&run_id);
                self.live_from = Some(revision);
            }
            Next::More => {}
            Next::UpToDate => return false,
        }
        true
    }

    /// Loses its connection, and comes back with the last revision that it was told.
    fn reconnect(&mut self) {
        self.told = None;
        self.follower = match self.live_from {
            Some(since) => Follower::resuming(self.status, usize::MAX, since),
            None => Follower::new(self.status, usize::MAX, Cause::Start),
        };
    }

    fn knows(&self) -> HashMap<RunId, Run> {
        let mut known = self.known.clone();
        known.retain(|_, run| self.status.is_none() || run.status() == self.status);
        known
    }
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    /// The store forgets runs for their number and their age, and changes after a few; the subscribers
    /// stand still, go on and come back as they like.
    #[test]
    fn whoever_follows_the_runs_ends_with_what_is_there(
        steps in vec((0_u16..12, 0_usize..5, 0_usize..6, 0_usize..5), 0..60),
    ) {
        let store = store(LIMITS);
        let followed = Status::ALL.map(Some).into_iter().chain([None]);
        let mut subscribers: Vec<_> = followed.map(Subscriber::new).collect();
        for (millis, (n, status, subscriber, told)) in (0..).map(|n| n * 500).zip(steps) {
            let status = ["queued", "running", "failed", "success", "cancelled"][status];
            merge(&store, n, &format!(r#"{{"status":"{status}"}}"#), millis).unwrap();
            store.expire(at(millis));
            let subscriber = &mut subscribers[subscriber];
            if told == 4 {
                subscriber.reconnect();
            }
            for _ in 0..told {
                subscriber.step(&store);
            }
        }
        for mut subscriber in subscribers {
            while subscriber.step(&store) {}
            let mut there: HashMap<_, _> = HashMap::new();
            for run in store.page(subscriber.status, None, 99).runs {
                there.insert(run.id(), run);
            }
            prop_assert_eq!(subscriber.knows(), there);
        }
    }
}

#[test]
fn a_follower_who_stood_still_is_told_what_each_run_is_and_no_more() {
    let store = store(LIMITS);
    let mut follower = Follower::new(None, usize::MAX, Cause::Start);
    assert!(matches!(
        store.next(&mut follower),
        Next::Snapshot(Cause::Start)
    ));
    assert!(matches!(store.next(&mut follower), Next::Live(_)));
    for millis in 0..20 {
        merge(&store, 1, "{}", millis).unwrap();
    }
    let Next::Changed(_, run) = store.next(&mut follower) else {
        panic!("the run has changed");
    };
    assert_eq!(run.seen().last, at(19), "as it is, not as it was");
    assert!(matches!(store.next(&mut follower), Next::UpToDate));
    for millis in 0..21 {
        merge(&store, 1, "{}", millis).unwrap();
    }
    assert!(matches!(store.next(&mut follower), Next::More));
    assert!(matches!(
        store.next(&mut follower),
        Next::Snapshot(Cause::Behind)
    ));
}
