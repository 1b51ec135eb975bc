//! Whether everyone can use the page: axe-core looks at each of its states, in each look, on each screen.

mod states;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::{page_url, report_all};
use crate::{
    browser::{
        Browser, DARK, FORCED_COLORS, LIGHT, MediaFeature, REDUCED_MOTION, Screen, has_axe,
        with_browser, with_firefox,
    },
    harness::{Server, run_id},
};

const LOOKS: [(&str, MediaFeature); 3] = [
    ("light", LIGHT),
    ("dark", DARK),
    ("forced colours", FORCED_COLORS),
];

const SCREENS: [(&str, Screen); 2] = [("phone", Screen::PHONE), ("desktop", Screen::DESKTOP)];

/// Opens a page, brings it into a state, and checks that state in every look.
async fn assert_accessible(url: &str, reach: impl AsyncFnOnce(&Browser)) {
    if !has_axe() {
        return;
    }
    with_browser(async |browser| {
        browser.emulate_media(&[REDUCED_MOTION]).await;
        browser.open(url).await;
        reach(browser).await;
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for (screen_name, screen) in SCREENS {
            browser.emulate_screen(screen).await;
            // Else the bar above the list may cover a part of what is under it.
            browser.run("scrollTo(0, 0)").await;
            for (look_name, look) in LOOKS {
                // Without motion: what fades in has little contrast for a moment.
                browser.emulate_media(&[look, REDUCED_MOTION]).await;
                browser.until_drawn().await;
                for violation in browser.violations().await {
                    let looks = found.entry(violation).or_default();
                    looks.push(format!("{look_name} on {screen_name}"));
                }
            }
        }
        let found: Vec<_> = found
            .iter()
            .map(|(violation, looks)| format!("{violation}\n  In {}", looks.join(", ")))
            .collect();
        assert!(found.is_empty(), "{}", found.join("\n\n"));
    })
    .await;
}

/// A run that is newer than those of `server_with_runs`.
const NEWEST: usize = 58;

/// A service with at least ten runs of every status, of which one has labels.
async fn server_with_runs() -> Server {
    let server = Server::start().await;
    report_all(&server, 1..=12, "processing").await;
    report_all(&server, 13..=23, "failed").await;
    report_all(&server, 24..=33, "queued").await;
    report_all(&server, 34..=45, "cancelled").await;
    report_all(&server, 46..=56, "completed").await;
    report_with_labels(&server, 57).await;
    server
}

async fn report_with_labels(server: &Server, n: usize) {
    let update = json!({ "run_id": run_id(n), "status": "processing", "progress": 45 });
    let request = server.webhook(Method::POST, update.to_string());
    let labels = [("user", "42"), ("project", "a castle in the clouds")];
    let response = request.query(&labels).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

/// Waits until the list is complete.
async fn until_listed(browser: &Browser) {
    browser
        .wait_until("document.querySelector('#state').innerText === 'Live' && document.querySelector('.run')")
        .await;
}

#[tokio::test]
async fn with_forced_colors_the_chosen_filter_differs_from_the_others() {
    with_browser(async |browser| {
        let server = server_with_runs().await;
        browser.emulate_media(&[FORCED_COLORS]).await;
        browser.open(&page_url(&server)).await;
        until_listed(browser).await;
        // What is left of a button's look when the browser chooses the colours. Shadows and
        // pictures are gone, and an outline shows the focus. A background gets the colour of the
        // page and keeps its alpha, which nobody sees.
        let looks = "
            ['true', 'false'].map((pressed) => {
                const button = document.querySelector(`.filters [aria-pressed=${pressed}]`);
                const style = getComputedStyle(button);
                const [red, green, blue] = style.backgroundColor.match(/\\d+/g);
                const names = ['borderBottomColor', 'borderBottomStyle', 'borderBottomWidth', 'color',
                    'fontWeight', 'textDecorationLine'];
                return [red, green, blue, ...names.map((name) => style[name])];
            })";
        let looks = browser.evaluate(looks).await;
        assert_ne!(looks[0], looks[1]);
    })
    .await;
}

#[tokio::test]
async fn every_progress_bar_has_a_name_of_its_own() {
    with_browser(async |browser| {
        let server = server_with_runs().await;
        browser.open(&page_url(&server)).await;
        until_listed(browser).await;
        let names = "
            [...document.querySelectorAll('progress, [role=progressbar]')]
                .filter((bar) => !bar.closest('[aria-hidden=true]'))
                .map((bar) => bar.ariaLabelledByElements?.map((label) => label.textContent).join(' ')
                    ?? bar.ariaLabel)
                .filter((name, index, names) => names.indexOf(name) !== index)";
        assert_eq!(browser.evaluate(names).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_found() {
    let test = async |browser: &Browser| {
        let server = Server::start().await;
        browser.open(&page_url(&server)).await;
        browser.run("document.documentElement.lang = ''").await;
        let violations = browser.violations().await;
        assert!(
            violations
                .iter()
                .any(|found| found.starts_with("html-has-lang"))
        );
    };
    if has_axe() {
        with_browser(test).await;
        with_firefox(test).await;
    }
}

#[tokio::test]
async fn forced_colors_are_forced_in_these_tests() {
    with_browser(async |browser| {
        let server = Server::start().await;
        browser.open(&page_url(&server)).await;
        browser
            .run("document.body.style.color = 'rgb(1, 2, 3)'")
            .await;
        let is_own = "getComputedStyle(document.body).color === 'rgb(1, 2, 3)'";
        assert_eq!(browser.evaluate(is_own).await, true);
        browser.emulate_media(&[FORCED_COLORS]).await;
        assert_eq!(browser.evaluate(is_own).await, false);
    })
    .await;
}
