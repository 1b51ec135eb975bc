//! What the unit tests share.

use proptest::{
    prelude::ProptestConfig,
    test_runner::{FileFailurePersistence, FileFailurePersistence::SourceParallel},
};

use crate::run::{RunId, Timestamp, Update};

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

/// Every property test keeps the cases that failed beside the other tests.
pub(crate) fn proptest_config() -> ProptestConfig {
    let persistence: FileFailurePersistence = SourceParallel("tests/proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(persistence)),
        ..ProptestConfig::default()
    }
}
