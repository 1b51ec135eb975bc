//! Keeps tokens out of the log.

use crate::http::app::App;

/// What the paths that take updates have in common.
const END_OF_WEBHOOK_PATHS: &str = "/webhooks/run-update";

/// What a log may show of a path. A mistyped URL may hold a token after the path that it should have, or after its
/// beginning, as in `/api/webhook&token=...`; and a token that is percent-encoded does not look like itself.
pub(super) fn loggable(app: &App, path: &str) -> String {
    // A path of a proxy may be before it, or one slash too many.
    let end_of_webhook = path.find(END_OF_WEBHOOK_PATHS);
    let end_of_webhook = end_of_webhook.map_or(path.len(), |at| at + END_OF_WEBHOOK_PATHS.len());
    let (path, rest) = path.split_at(end_of_webhook);
    let mut tokens = [&app.webhook_tokens, &app.read_tokens]
        .into_iter()
        .flatten();
    if path.contains('%') || tokens.any(|tokens| tokens.appear_in(path)) {
        return "not shown: there may be a token in it".to_owned();
    }
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let end = path.find(|c| !is_usual(c)).unwrap_or(path.len());
    let shown = &path[..end.min(100)];
    let is_whole = shown.len() == path.len() && rest.is_empty();
    format!("{shown}{}", if is_whole { "" } else { "..." })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_what_is_mistyped_but_nothing_that_may_hold_a_token() {
        let app = App::for_tests();
        for (path, shown) in [
            ("/api/webhook", "/api/webhook"),
            ("/api/webhook&token=secret", "/api/webhook..."),
            ("/api/webhooks/run-update", "/api/webhooks/run-update"),
            (
                "/webhooks/run-update/secret/api/webhooks/run-update/",
                "/webhooks/run-update...",
            ),
            ("/api/webhooks/run-updates", "/api/webhooks/run-update..."),
            (
                "/api/webhooks/run-update/sec%2Fret",
                "/api/webhooks/run-update...",
            ),
            ("/webhooks/run-update/secret", "/webhooks/run-update..."),
            (
                "//comfy/api/webhooks/run-update/secret",
                "//comfy/api/webhooks/run-update...",
            ),
            ("/hook/sec%2Fret", "not shown: there may be a token in it"),
            ("/hook/sec%252Fret", "not shown: there may be a token in it"),
        ] {
            assert_eq!(loggable(&app, path), shown, "{path}");
        }
    }
}
