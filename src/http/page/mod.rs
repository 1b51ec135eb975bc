//! The live page: one document, joined from the files of this folder, that may run nothing else.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::{app::App, document::Document, openapi::responses::GuardedProblems};

const MARKUP: &str = include_str!("index.html");
const STYLES: [&str; 5] = [
    include_str!("style/base.css"),
    include_str!("style/list.css"),
    include_str!("style/panel.css"),
    include_str!("style/lightbox.css"),
    include_str!("style/connect.css"),
];

/// They share one scope, in which each uses only what those before it declare.
const SCRIPTS: [&str; 10] = [
    include_str!("script/items.js"),
    include_str!("script/dom.js"),
    include_str!("script/outputs.js"),
    include_str!("script/lightbox.js"),
    include_str!("script/panel.js"),
    include_str!("script/row.js"),
    include_str!("script/list.js"),
    include_str!("script/stream.js"),
    include_str!("script/connect.js"),
    include_str!("script/main.js"),
];

static STYLE: LazyLock<String> = LazyLock::new(|| STYLES.concat());

static SCRIPT: LazyLock<String> =
    LazyLock::new(|| format!("\"use strict\";\n{}", SCRIPTS.concat()));

/// For a service that accepts updates without a token.
static OPEN: LazyLock<String> = LazyLock::new(|| {
    MARKUP
        .replace("<!-- style -->", &format!("<style>{}</style>", *STYLE))
        .replace("<!-- script -->", &format!("<script>{}</script>", *SCRIPT))
});

/// For a service that requires a token.
static GUARDED: LazyLock<String> =
    LazyLock::new(|| OPEN.replace(r#"data-webhook-token="no""#, r#"data-webhook-token="yes""#));

static OPEN_DOCUMENT: LazyLock<Document> = LazyLock::new(|| document(&OPEN));

static GUARDED_DOCUMENT: LazyLock<Document> = LazyLock::new(|| document(&GUARDED));

fn document(page: &'static str) -> Document {
    Document::new("text/html; charset=utf-8", page)
}

/// Allows the page its own script and style, and images and videos from anywhere.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src http: https: data:; \
         media-src http: https: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'",
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
    let page = match app.webhook_tokens {
        None => &OPEN_DOCUMENT,
        Some(_) => &GUARDED_DOCUMENT,
    };
    let policies = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (policies, page.respond(&headers))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_policy_allows_the_script_and_the_style_that_are_served() {
        for page in [&OPEN, &GUARDED] {
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
    fn the_markup_needs_nothing_that_the_policy_forbids() {
        let tags = MARKUP.split('<').filter_map(|piece| piece.split_once('>'));
        for (tag, _) in tags {
            let attributes = tag.split_whitespace().skip(1);
            for (name, value) in attributes.filter_map(|word| word.split_once('=')) {
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

    /// The policy has the browser reject most of these as well.
    #[test]
    fn nothing_in_the_page_turns_text_into_html_or_code() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "insertHTML",
            "setHTML",
            "parseHTML",
            "document.write",
            "createContextualFragment",
            "DOMParser",
            "parseFromString",
            "XSLTProcessor",
            "srcdoc",
            "javascript:",
            "createPolicy",
            "eval(",
            "Function(",
            "import(",
            r#"setAttribute("on"#,
            r#"make("script"#,
            r#"make("iframe"#,
            "Timeout(\"",
            "Timeout('",
            "Timeout(`",
            "Interval(\"",
            "Interval('",
            "Interval(`",
        ] {
            assert!(!OPEN.contains(word), "{word}");
        }
    }

    /// The names that a script declares for those after it.
    fn declarations(script: &str) -> impl Iterator<Item = &str> {
        let keywords = [
            "const ",
            "let ",
            "class ",
            "function* ",
            "async function ",
            "function ",
        ];
        script.lines().filter_map(move |line| {
            let declared = keywords.iter().find_map(|word| line.strip_prefix(word))?;
            words(declared).next()
        })
    }

    /// The names in a script, without those of properties.
    fn words(script: &str) -> impl Iterator<Item = &str> {
        let words = script.split(|c: char| !c.is_alphanumeric() && !"_$#.".contains(c));
        words.filter_map(|word| word.trim_start_matches("...").split('.').next())
    }

    #[test]
    fn a_script_uses_only_what_the_scripts_before_it_declare() {
        let mut declared = HashSet::new();
        let mut used = HashSet::new();
        for script in SCRIPTS {
            for name in declarations(script) {
                assert!(!used.contains(name), "{name} is used before its script");
                assert!(declared.insert(name), "{name} is declared twice");
            }
            used.extend(words(script));
        }
        assert!(declared.contains("itemsOf") && declared.contains("RunStream"));
    }
}
