//! Followers and watches, while runs change, go and come back.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt as _;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::run::Status;

/// What a client makes of the stream that it follows.
struct Client {
    follower: Follower,
    filter: Filter,
    last_revision: Option<Revision>,
    known: HashMap<RunId, Run>,
    /// The runs of the snapshot that is not complete yet.
    snapshot: Option<HashSet<RunId>>,
    snapshots: usize,
}

impl Client {
    fn new(store: &Store, filter: Filter) -> Self {
        Self {
            follower: store.follow(filter.clone(), usize::MAX, SnapshotReason::Start),
            filter,
            last_revision: None,
            known: HashMap::new(),
            snapshot: None,
            snapshots: 0,
        }
    }

    /// One for each status, one for all runs, one for two runs, one for those of a prefix, and some for the runs of a
    /// user.
    fn of_every_filter(store: &Store) -> Vec<Self> {
        let prefix = "7c9e6679-7425-40de-944b-00000000001".parse().unwrap();
        let of_status = |status| Filter::default().with_status(status);
        let of_user = |status| of_status(status).with_labels(["user:116".parse().unwrap()]);
        let statuses = || Status::ALL.iter().copied().map(Some).chain([None]);
        statuses()
            .map(of_status)
            .chain(statuses().map(of_user))
            .chain([
                Filter::default().with_run_ids([run_id(0), run_id(1)]),
                Filter::default().with_run_id_prefix(Some(prefix)),
            ])
            .map(|filter| Self::new(store, filter))
            .collect()
    }

    /// A run of another user is never sent to the client of one.
    fn receive(&mut self, run: Run) {
        assert!(self.filter.matches_labels(&run));
        self.known.insert(run.id(), run);
    }

    /// Takes one step. Says whether there may be another.
    fn step(&mut self, store: &Store) -> bool {
        match store.next(&mut self.follower) {
            Next::Snapshot(_) => {
                self.snapshot = Some(HashSet::new());
                self.snapshots += 1;
            }
            Next::Present(run) => {
                self.snapshot.as_mut().unwrap().insert(run.id());
                self.receive(run);
            }
            Next::Live(revision, _) => {
                let snapshot = self.snapshot.take().unwrap();
                self.known.retain(|run_id, _| snapshot.contains(run_id));
                self.last_revision = Some(revision);
            }
            Next::Changed(revision, run) => {
                self.receive(run);
                self.last_revision = Some(revision);
            }
            Next::Removed(revision, run_id) => {
                self.known.remove(&run_id);
                self.last_revision = Some(revision);
            }
            Next::Continue => {}
            Next::UpToDate => return false,
        }
        true
    }

    fn catch_up(&mut self, store: &Store) {
        while self.step(store) {}
    }

    /// Loses its connection, and comes back with the last revision that it received.
    fn reconnect(&mut self, store: &Store) {
        self.snapshot = None;
        self.follower = match self.last_revision {
            Some(since) => store.resume(self.filter.clone(), usize::MAX, since),
            None => store.follow(self.filter.clone(), usize::MAX, SnapshotReason::Start),
        };
    }

    fn shown(&self) -> HashMap<RunId, Run> {
        let mut shown = self.known.clone();
        shown.retain(|_, run| self.filter.matches(run));
        shown
    }
}

/// The runs that a client is to show in the end.
fn kept(store: &Store, filter: &Filter) -> HashMap<RunId, Run> {
    let runs = page(store, filter.clone(), None, 99).runs;
    runs.into_iter().map(|run| (run.id(), run)).collect()
}

/// The label of one of three users, or none. Two of the labels have the same bits in the feed.
fn user(n: usize) -> Option<(&'static str, &'static str)> {
    Some(("user", *["1", "116", "132"].get(n)?))
}

fn status(n: usize) -> String {
    let status = ["queued", "running", "failed", "success", "cancelled"][n];
    format!(r#"{{"status":"{status}"}}"#)
}

proptest! {
    #![proptest_config(crate::testing::proptest_config())]
    /// The store evicts runs for their number and their age, and remembers few changes; the clients stand still,
    /// go on and come back in any order.
    #[test]
    fn every_client_ends_with_the_runs_that_the_store_keeps(
        steps in vec((0_u16..12, 0_usize..5, 0_usize..6, 0_usize..14, 0_usize..5), 0..60),
    ) {
        let store = store(LIMITS);
        let mut clients = Client::of_every_filter(&store);
        let start = Instant::now();
        for (step, (n, new, label, client, count)) in (0..).zip(steps) {
            apply_labelled(&store, n.into(), &status(new), user(label), step.into());
            store.expire(start + step * Duration::from_millis(500));
            let client = &mut clients[client];
            if count == 4 {
                client.reconnect(&store);
            }
            for _ in 0..count {
                client.step(&store);
            }
        }
        for mut client in clients {
            client.catch_up(&store);
            prop_assert_eq!(client.shown(), kept(&store, &client.filter));
        }
    }

    /// The store keeps one run, so an update of another run evicts it.
    #[test]
    fn a_run_that_is_evicted_and_comes_back_between_two_steps_is_shown_as_it_is(
        known in vec((0_usize..3, 0_usize..5, 0_usize..6), 0..3),
        missed in vec((0_usize..3, 0_usize..5, 0_usize..6), 0..10),
    ) {
        let store = store(Limits { runs: 1, ..LIMITS });
        let mut clients = Client::of_every_filter(&store);
        for updates in [known, missed] {
            for (n, new, label) in updates {
                apply_labelled(&store, n, &status(new), user(label), 0);
            }
            for client in &mut clients {
                client.catch_up(&store);
                prop_assert_eq!(client.shown(), kept(&store, &client.filter));
                prop_assert_eq!(client.snapshots, 1, "the changes told it all");
            }
        }
    }
}

/// A follower of all runs that has had its snapshot.
fn live(store: &Store) -> Follower {
    let mut follower = store.follow(Filter::default(), usize::MAX, SnapshotReason::Start);
    while !matches!(store.next(&mut follower), Next::Live(..)) {}
    follower
}

/// What the snapshot of a follower holds, and the position after which more follow.
fn snapshot(store: &Store, filter: Filter, limit: usize) -> (Vec<RunId>, Option<Position>) {
    let mut follower = store.follow(filter, limit, SnapshotReason::Start);
    let mut present = Vec::new();
    loop {
        match store.next(&mut follower) {
            Next::Present(run) => present.push(run.id()),
            Next::Live(_, older) => return (present, older),
            _ => {}
        }
    }
}

#[test]
fn the_runs_that_the_limit_of_a_snapshot_leaves_out_come_after_its_position() {
    let store = store(Limits {
        runs: 300,
        ..LIMITS
    });
    for n in 0..300 {
        let is_rare = n % 70 == 0;
        let label = user(usize::from(is_rare));
        apply_labelled(
            &store,
            n,
            &status(n % 5),
            label,
            (n / 3).try_into().unwrap(),
        );
    }
    for filter in [
        Filter::default(),
        Filter::default().with_status(Some(Status::Failed)),
        Filter::default().with_labels(["user:116".parse().unwrap()]),
        Filter::default().with_run_ids([run_id(7), run_id(8), run_id(290)]),
        Filter::default().with_run_id_prefix("7c9e6679-7425-40de-944b-00000000001".parse().ok()),
    ] {
        let all: Vec<_> = page(&store, filter.clone(), None, 300).runs;
        let all: Vec<_> = all.iter().map(Run::id).collect();
        assert!(all.len() >= 3, "{filter:?}");
        for limit in [0, 1, 2, all.len() - 1, all.len(), all.len() + 1] {
            let (mut read, older) = snapshot(&store, filter.clone(), limit);
            assert_eq!(older.is_some(), limit < all.len(), "{limit} {filter:?}");
            if older.is_some() {
                let rest = page(&store, filter.clone(), older, 300).runs;
                read.extend(rest.iter().map(Run::id));
            }
            assert_eq!(read, all, "{limit} {filter:?}");
        }
    }
}

#[test]
fn a_follower_gets_each_run_that_changed_once_as_it_is_now() {
    let store = store(LIMITS);
    let mut follower = live(&store);
    for millis in 0..20 {
        apply(&store, 1, "{}", millis);
    }
    let Next::Changed(_, run) = store.next(&mut follower) else {
        panic!("the run has changed");
    };
    assert_eq!(run.seen().last, at(19), "as it is, not as it was");
    assert!(matches!(store.next(&mut follower), Next::UpToDate));
}

#[test]
fn a_follower_that_missed_too_many_changes_gets_a_snapshot() {
    let store = store(LIMITS);
    let mut follower = live(&store);
    for millis in 0..21 {
        apply(&store, 1, "{}", millis);
    }
    assert!(matches!(store.next(&mut follower), Next::Continue));
    let Next::Snapshot(reason) = store.next(&mut follower) else {
        panic!("a change was forgotten");
    };
    assert_eq!(reason, SnapshotReason::Behind);
}

#[test]
fn a_follower_hears_that_a_run_was_removed_and_then_that_it_is_back() {
    let store = store(Limits { runs: 1, ..LIMITS });
    apply(&store, 1, &status(3), 0);
    let mut follower = live(&store);
    apply(&store, 2, "{}", 1);
    apply(&store, 1, &status(0), 2);
    let Next::Removed(_, removed) = store.next(&mut follower) else {
        panic!("run 1 was evicted for run 2");
    };
    assert_eq!(removed, run_id(1));
    let Next::Changed(_, back) = store.next(&mut follower) else {
        panic!("run 1 came back");
    };
    assert_eq!(
        (back.id(), back.status()),
        (run_id(1), Some(Status::Queued))
    );
    let Next::Removed(_, removed) = store.next(&mut follower) else {
        panic!("run 2 was evicted for run 1");
    };
    assert_eq!(removed, run_id(2));
    assert!(matches!(store.next(&mut follower), Next::UpToDate));
}

#[test]
fn many_stale_changes_are_passed_in_batches() {
    let store = store(Limits {
        backlog: 3_000,
        ..LIMITS
    });
    let mut follower = live(&store);
    for millis in 0..2_500 {
        apply(&store, 1, "{}", millis);
    }
    assert!(matches!(store.next(&mut follower), Next::Continue));
    assert!(matches!(store.next(&mut follower), Next::Continue));
    assert!(matches!(store.next(&mut follower), Next::Changed(..)));
    assert!(matches!(store.next(&mut follower), Next::UpToDate));
}

#[test]
fn a_follower_waits_until_something_changed_since_its_last_step() {
    let store = store(LIMITS);
    let mut follower = live(&store);
    assert!(matches!(store.next(&mut follower), Next::UpToDate));
    assert!(follower.changed().now_or_never().is_none());
    apply(&store, 1, "{}", 0);
    assert!(follower.changed().now_or_never().is_some());
    apply(&store, 1, "{}", 1);
    assert!(matches!(store.next(&mut follower), Next::Changed(..)));
    assert!(
        follower.changed().now_or_never().is_none(),
        "the step saw both changes"
    );
}

#[test]
fn a_watch_waits_until_its_run_changed_since_the_last_look() {
    let store = store(Limits { runs: 1, ..LIMITS });
    let mut watch = store.watch(run_id(1));
    let is_changed = |watch: &mut RunWatch| watch.changed().now_or_never().is_some();
    assert!(is_changed(&mut watch), "it was not looked at yet");
    assert_eq!(store.look(&mut watch), None);
    assert!(!is_changed(&mut watch));
    apply(&store, 1, "{}", 0);
    assert!(is_changed(&mut watch));
    apply(&store, 1, "{}", 1);
    let run = store.get(run_id(1)).unwrap();
    let now = WatchedNow {
        run,
        revision: Revision(2),
        added: Revision(1),
    };
    assert_eq!(store.look(&mut watch), Some(now));
    assert!(!is_changed(&mut watch), "the look saw both changes");
    apply(&store, 2, "{}", 2);
    assert!(is_changed(&mut watch), "it was evicted");
    assert_eq!(store.look(&mut watch), None);
    apply(&store, 1, "{}", 3);
    let back = store.look(&mut watch).unwrap();
    assert!(back.added > Revision(2), "it is new");
}
