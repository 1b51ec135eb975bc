//! Updates that wait together share a commit.

use super::{Kept, LIMITS, NotDurable, Service};
use crate::{database::Cause, testing::until};

fn service() -> Service {
    Service::new(Kept::InSqlite, LIMITS)
}

/// Another program writes, so that a commit has to wait; and the first one does.
fn held(service: &Service) -> (rusqlite::Connection, super::Commit) {
    let other = service.other_program();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = service.queue(0, "{}").unwrap();
    until("the first one is taken", || {
        service.metric("database_queue_length") == 0
    });
    (other, first)
}

#[test]
fn updates_that_wait_together_share_a_commit() {
    let service = service();
    let (other, first) = held(&service);
    let commits: Vec<_> = (1..100)
        .map(|n| service.queue(n, r#"{"progress":1}"#).unwrap())
        .collect();
    assert_eq!(service.metric("database_queue_length"), 99);
    assert_eq!(service.run(1), None, "it is not shown before it is durable");
    other.execute_batch("COMMIT").unwrap();
    for commit in [first].into_iter().chain(commits) {
        assert_eq!(service.answer(commit), Ok(()));
    }
    assert!(service.run(99).is_some());
    assert_eq!(service.commits(), [2, 100]);
}

#[test]
fn updates_of_one_run_that_wait_together_are_joined() {
    let service = service();
    let (other, first) = held(&service);
    let bodies = [
        r#"{"progress":30}"#,
        r#"{"progress":20}"#,
        r#"{"status":"success"}"#,
    ];
    let commits = bodies.map(|body| service.queue(0, body).unwrap());
    other.execute_batch("COMMIT").unwrap();
    for commit in [first].into_iter().chain(commits) {
        assert_eq!(service.answer(commit), Ok(()));
    }
    let run = service.run(0).unwrap();
    assert_eq!(run.progress().unwrap().get().to_bits(), 30.0_f64.to_bits());
    assert!(run.seen().ended.is_some());
    assert_eq!(service.restarted().run(0), Some(run));
}

#[test]
fn a_full_queue_rejects_updates_and_stores_nothing_of_them() {
    let service = service();
    let (other, first) = held(&service);
    let mut commits = vec![first];
    let mut n = 1;
    let error = loop {
        match service.queue(n, "{}") {
            Ok(commit) => commits.push(commit),
            Err(error) => break error,
        }
        n += 1;
    };
    assert_eq!(error, NotDurable::QueueFull);
    other.execute_batch("COMMIT").unwrap();
    for commit in commits {
        assert_eq!(service.answer(commit), Ok(()));
    }
    assert_eq!(service.run(n), None);
    service.send(n, "{}");
    assert!(service.run(n - 1).is_some() && service.run(n).is_some());
}

#[test]
fn closing_commits_what_waits() {
    let service = service();
    let (other, first) = held(&service);
    let commits: Vec<_> = (1..20).map(|n| service.queue(n, "{}").unwrap()).collect();
    std::thread::scope(|scope| {
        let closed = scope.spawn(|| service.runtime.block_on(service.ingest.close()));
        other.execute_batch("COMMIT").unwrap();
        closed.join().unwrap();
    });
    for commit in [first].into_iter().chain(commits) {
        assert_eq!(service.answer(commit), Ok(()));
    }
    let late = service.queue(20, "{}").err();
    assert_eq!(late, Some(NotDurable::Closed));
    let service = service.restarted();
    assert!((0..20).all(|n| service.run(n).is_some()) && service.run(20).is_none());
}

#[test]
fn a_database_that_stays_locked_is_failing() {
    let service = service();
    let (other, first) = held(&service);
    assert_eq!(
        service.answer(first),
        Err(NotDurable::Failing(Cause::Locked))
    );
    assert_eq!(service.run(0), None);
    other.execute_batch("COMMIT").unwrap();
    service.send(0, "{}");
}
