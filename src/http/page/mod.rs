//! The live page: one file, which may run nothing but what is in it.

use std::sync::{Arc, LazyLock};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, header},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};

use super::{app::App, limits::response, openapi::responses::FileProblems};

/// For a service that takes updates without a token.
const OPEN: &str = include_str!("index.html");

/// For one that asks for a token.
static GUARDED: LazyLock<String> =
    LazyLock::new(|| OPEN.replace(r#"data-webhook-token="no""#, r#"data-webhook-token="yes""#));

/// What the page may do: run its own script, and show pictures and videos of anywhere.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src http: https: data:; \
         media-src http: https: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'",
        hash_of("script"),
        hash_of("style")
    )
});

/// What is in the one element of this name.
fn inside(element: &str) -> &'static str {
    let after = OPEN.split_once(&format!("<{element}>"));
    let inside = after.and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    inside.map_or("", |(inside, _)| inside)
}

fn hash_of(element: &str) -> String {
    let hash = Sha256::digest(inside(element));
    format!("sha256-{}", BASE64_STANDARD.encode(hash))
}

/// A page that shows the runs while they change.
#[utoipa::path(
    get,
    operation_id = "getPage",
    path = "/",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        FileProblems
    ),
)]
pub(super) async fn show(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 3], Body) {
    let page = match app.webhook_tokens {
        None => OPEN,
        Some(_) => GUARDED.as_str(),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let page = Full::new(Bytes::from_static(page.as_bytes()));
    (headers, response::in_frames(page, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of the page as it is sent, without what is in its style and its script.
    fn tags(page: &str) -> Vec<&str> {
        let (head, rest) = page.split_once("<style>").unwrap();
        let (_, rest) = rest.split_once("</style>").unwrap();
        let (body, rest) = rest.split_once("<script>").unwrap();
        let (_, end) = rest.split_once("</script>").unwrap();
        let pieces = [head, body, end]
            .into_iter()
            .flat_map(|html| html.split('<'));
        pieces
            .filter_map(|piece| piece.split_once('>'))
            .map(|(tag, _)| tag)
            .collect()
    }

    #[test]
    fn the_policy_allows_the_very_script_and_style_that_are_served() {
        for page in [OPEN, &GUARDED] {
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

    #[test]
    fn nothing_in_the_page_needs_what_the_policy_forbids() {
        for tag in tags(OPEN) {
            let names = tag
                .split_whitespace()
                .skip(1)
                .filter_map(|word| word.split_once('='));
            for (name, value) in names {
                assert!(name != "style" && !name.starts_with("on"), "{tag}");
                let is_asset = matches!(name, "src" | "href");
                assert!(!is_asset || value.starts_with("\"data:image/"), "{tag}");
            }
        }
    }

    #[test]
    fn the_two_pages_differ_in_one_word() {
        let (before, after) = OPEN.split_once(r#"token="no""#).unwrap();
        assert_eq!(*GUARDED, format!(r#"{before}token="yes"{after}"#));
    }

    #[test]
    fn what_comes_with_a_run_is_never_read_as_html() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!OPEN.contains(word), "{word}");
        }
    }
}
