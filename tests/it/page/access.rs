//! Whether everyone can use the page: axe-core looks at each of its states, in each look, on each screen.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{image, open_run, page_url, report, report_all, report_completed, storage};
use crate::{
    browser::{
        Browser, DARK, FORCED_COLORS, LIGHT, MediaFeature, REDUCED_MOTION, Screen, has_axe,
        with_browser, with_firefox,
    },
    harness::{Server, read, run_id},
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

/// The newest run of those services.
const NEWEST: usize = 58;

/// A service with many runs of every status.
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

/// A picture, another that is gone, a video, texts of which one scrolls, a sound and a file.
async fn outputs() -> Value {
    let storage = storage().await;
    let file = |name: &str| image(storage, name);
    let images = ["a.png", "gone.png", "pending.mp4"].map(file);
    json!([
        { "id": "1", "data": { "images": images } },
        { "id": "2", "data": { "text": ["a castle", "many words ".repeat(1_000)] } },
        { "id": "3", "data": { "audio": [file("speech.mp3")], "mesh": [file("castle.glb")] } },
    ])
}

/// Opens the newest run, and waits for its picture.
async fn open_with_pictures(browser: &Browser) {
    open_run(browser, NEWEST).await;
    browser
        .wait_until("document.querySelector('.panel img')?.naturalWidth === 1")
        .await;
}

/// Waits until the list is complete.
async fn until_listed(browser: &Browser) {
    browser
        .wait_until("document.querySelector('#state').innerText === 'Live' && document.querySelector('.run')")
        .await;
}

#[tokio::test]
async fn the_empty_page_is_accessible() {
    let server = Server::start().await;
    assert_accessible(&page_url(&server), async |browser| {
        browser
            .wait_until("!document.querySelector('#welcome').hidden")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_list_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), until_listed).await;
}

#[tokio::test]
async fn a_list_of_thousands_of_runs_is_accessible() {
    let server = server_with_runs().await;
    report_all(&server, NEWEST..=3_500, "completed").await;
    assert_accessible(&page_url(&server), async |browser| {
        until_listed(browser).await;
        browser.run("scrollTo(0, 50_000)").await;
        browser
            .wait_until("document.querySelector('.run').ariaPosInSet > 100")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_search_and_a_filter_are_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#status=processing&search=user:42", page_url(&server));
    assert_accessible(&url, async |browser| {
        until_listed(browser).await;
        assert_eq!(
            browser
                .evaluate("document.querySelectorAll('.run').length")
                .await,
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_search_without_results_is_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#search=user:43", page_url(&server));
    assert_accessible(&url, async |browser| {
        browser
            .wait_until("!document.querySelector('#none').hidden")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_connect_section_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), async |browser| {
        until_listed(browser).await;
        browser.click("#connect-button").await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_with_outputs_is_accessible() {
    let server = server_with_runs().await;
    report_completed(&server, NEWEST, outputs().await).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_with_pictures(browser).await;
        browser.click(".raw summary").await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_that_failed_is_accessible() {
    let server = server_with_runs().await;
    let error: Value = serde_json::from_str(&read("src/simulate/execution_error.json")).unwrap();
    report(&server, NEWEST, "failed", 45.0, json!([{ "data": error }])).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_run(browser, NEWEST).await;
        let open_all =
            "for (const part of document.querySelectorAll('.panel details')) part.open = true";
        browser.run(open_all).await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_above_the_list_is_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#status=failed&run={}", page_url(&server), run_id(1));
    assert_accessible(&url, async |browser| {
        browser.find("#pinned .panel").await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_full_size_is_accessible() {
    let server = Server::start().await;
    report_completed(&server, NEWEST, outputs().await).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_with_pictures(browser).await;
        browser.click(".tile img").await;
        browser
            .wait_until("document.querySelector('dialog[open] img')?.naturalWidth === 1")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_gallery_is_accessible() {
    let server = server_with_runs().await;
    report_completed(&server, NEWEST, outputs().await).await;
    let url = format!("{}#view=gallery", page_url(&server));
    assert_accessible(&url, async |browser| {
        browser
            .wait_until("document.querySelector('#gallery img')?.naturalWidth === 1")
            .await;
    })
    .await;
}

#[tokio::test]
async fn polling_instead_of_a_stream_is_accessible() {
    let server = Server::with_flags(&["--max-subscribers", "1"]).await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    let _stream = server.get("/api/events").await;
    assert_accessible(&page_url(&server), async |browser| {
        browser
            .wait_until("document.querySelector('#state').dataset.state === 'poll'")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), async move |browser| {
        until_listed(browser).await;
        server.stop().await;
        browser
            .wait_until("document.querySelector('#state').dataset.state === 'lost'")
            .await;
    })
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
