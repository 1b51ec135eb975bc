//! The live page: one document that may run nothing but its own script.

mod files;

use std::sync::{Arc, LazyLock};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use self::files::{PAGES, SCRIPT, STYLE};
use super::{app::App, document::Document, openapi::responses::GuardedProblems};
use crate::tokens::Tokens;

/// In the order of the pages.
static DOCUMENTS: LazyLock<[[Document; 2]; 2]> = LazyLock::new(|| {
    let document = |page: &'static String| Document::new("text/html; charset=utf-8", page.as_str());
    PAGES.each_ref().map(|pages| pages.each_ref().map(document))
});

/// Allows the page its own script and style, and images and videos from anywhere.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src http: https: data:; \
         media-src http: https:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash_of(&SCRIPT),
        hash_of(&STYLE)
    )
});

fn hash_of(source: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(source)))
}

/// A page that shows the runs while they change.
#[utoipa::path(
    get,
    operation_id = "getPage",
    path = "/",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "The client has it already: it sent its ETag as If-None-Match"),
        GuardedProblems
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> ([(HeaderName, &'static str); 2], Response) {
    let needs = |tokens: &Option<Tokens>| usize::from(tokens.is_some());
    let document = &DOCUMENTS[needs(&app.webhook_tokens)][needs(&app.read_tokens)];
    let policies = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (policies, document.respond(&headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_script_and_the_style_that_are_served() {
        for page in PAGES.as_flattened() {
            for element in ["script", "style"] {
                let (opening, closing) = (format!("<{element}"), format!("</{element}>"));
                assert_eq!(page.matches(&opening).count(), 1, "{element}");
                assert_eq!(page.matches(&closing).count(), 1, "{element}");
                let from = page.find(&opening).unwrap() + opening.len() + 1;
                let served = &page[from..page.find(&closing).unwrap()];
                let hash = BASE64_STANDARD.encode(Sha256::digest(served));
                assert!(
                    POLICY.contains(&format!("{element}-src 'sha256-{hash}'")),
                    "{}",
                    *POLICY
                );
            }
        }
    }
}
