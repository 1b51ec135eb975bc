//! What operators and their tools ask.

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Updates are taken: with the state in memory alone, that is so from the first request on.
pub(super) async fn readyz() -> &'static str {
    "ok\n"
}
