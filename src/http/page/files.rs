//! The files of this folder, joined to one document.

use std::sync::LazyLock;

const MARKUP: &str = include_str!("index.html");
const STYLES: [&str; 6] = [
    include_str!("style/base.css"),
    include_str!("style/list.css"),
    include_str!("style/panel.css"),
    include_str!("style/gallery.css"),
    include_str!("style/lightbox.css"),
    include_str!("style/connect.css"),
];

/// They share one scope, in which each uses only what those before it declare.
const SCRIPTS: [&str; 30] = [
    include_str!("script/times.js"),
    include_str!("script/urls.js"),
    include_str!("script/failure.js"),
    include_str!("script/items.js"),
    include_str!("script/json.js"),
    include_str!("script/dom.js"),
    include_str!("script/service.js"),
    include_str!("script/route.js"),
    include_str!("script/texts.js"),
    include_str!("script/outputs.js"),
    include_str!("script/groups.js"),
    include_str!("script/lightbox.js"),
    include_str!("script/panel.js"),
    include_str!("script/run_store.js"),
    include_str!("script/hold.js"),
    include_str!("script/frame.js"),
    include_str!("script/row.js"),
    include_str!("script/list.js"),
    include_str!("script/gallery.js"),
    include_str!("script/picture_view.js"),
    include_str!("script/pinned.js"),
    include_str!("script/stream.js"),
    include_str!("script/feed.js"),
    include_str!("script/feed_state.js"),
    include_str!("script/search.js"),
    include_str!("script/attention.js"),
    include_str!("script/end_of_list.js"),
    include_str!("script/connect.js"),
    include_str!("script/test_run.js"),
    include_str!("script/main.js"),
];

pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| STYLES.concat());

pub(super) static SCRIPT: LazyLock<String> =
    LazyLock::new(|| format!("\"use strict\";\n{}", SCRIPTS.concat()));

static PAGE: LazyLock<String> = LazyLock::new(|| {
    MARKUP
        .replace("<!-- style -->", &format!("<style>{}</style>", *STYLE))
        .replace("<!-- script -->", &format!("<script>{}</script>", *SCRIPT))
});

/// The page of each kind of service: first by whether updates need a token, then by whether readers do.
pub(super) static PAGES: LazyLock<[[String; 2]; 2]> = LazyLock::new(|| {
    let page = |webhook, read| {
        let page = PAGE.replace(
            r#"data-webhook-token="no""#,
            &format!(r#"data-webhook-token="{webhook}""#),
        );
        page.replace(
            r#"data-read-token="no""#,
            &format!(r#"data-read-token="{read}""#),
        )
    };
    ["no", "yes"].map(|webhook| ["no", "yes"].map(|read| page(webhook, read)))
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

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
    fn the_pages_differ_in_which_tokens_are_required() {
        let words = PAGES.each_ref().map(|pages| {
            pages.each_ref().map(|page| {
                let (_, rest) = page.split_once("<body ").unwrap();
                let (attributes, rest) = rest.split_once('>').unwrap();
                assert!(PAGE.ends_with(rest));
                attributes
            })
        });
        let attributes =
            |webhook, read| format!(r#"data-webhook-token="{webhook}" data-read-token="{read}""#);
        let expected = [
            [attributes("no", "no"), attributes("no", "yes")],
            [attributes("yes", "no"), attributes("yes", "yes")],
        ];
        assert_eq!(
            words,
            expected
                .each_ref()
                .map(|it| it.each_ref().map(String::as_str))
        );
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
            assert!(!PAGE.contains(word), "{word}");
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
        assert!(declared.contains("itemsOf") && declared.contains("Feed"));
    }
}
