//! What the unit tests share.

mod folder;
mod updates;

use std::{
    thread,
    time::{Duration, Instant},
};

use proptest::{
    prelude::ProptestConfig,
    test_runner::{FileFailurePersistence, FileFailurePersistence::SourceParallel},
};

pub(crate) use self::{
    folder::Folder,
    updates::{Sent, any_update},
};
use crate::run::{RunId, Timestamp, Update};

/// Waits until a condition holds; fails if it does not.
pub(crate) fn until(condition: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "not true after a minute: {condition}"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// The nth run of a test.
pub(crate) fn run_id(n: usize) -> RunId {
    format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap()
}

/// The instant `millis` milliseconds after the epoch.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// The update that a body holds.
pub(crate) fn update(body: &str) -> Update<'_> {
    Update::parse(body.as_bytes()).unwrap()
}

/// Says why a test is skipped.
#[expect(clippy::print_stdout, reason = "people should see it")]
pub(crate) fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// Every property test keeps the cases that failed beside the other tests.
pub(crate) fn proptest_config() -> ProptestConfig {
    let persistence: FileFailurePersistence = SourceParallel("tests/proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::default()
    }
}
