//! What the page does in Firefox: its main behaviours, and what browsers do in different ways.

use fantoccini::key::Key;
use serde_json::json;

use super::{SHOWN_RUNS, image, open_run, page_url, report, report_completed, row, storage};
use crate::{
    browser::with_firefox,
    harness::{Server, run_id},
};

#[tokio::test]
async fn in_firefox_a_run_appears_and_changes_without_a_reload() {
    with_firefox(async |browser| {
        let server = Server::start().await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("!document.querySelector('#welcome').hidden")
            .await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        let status = format!("{}?.querySelector('.status').innerText", row(1));
        browser
            .wait_until(&format!("{status} === 'Processing'"))
            .await;
        report_completed(&server, 1, json!([])).await;
        browser
            .wait_until(&format!("{status} === 'Completed'"))
            .await;
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn in_firefox_a_link_to_a_run_opens_it() {
    with_firefox(async |browser| {
        let server = Server::start().await;
        for n in 1..=3 {
            report(&server, n, "processing", 45.0, json!([])).await;
        }
        let url = format!("{}#run={}", page_url(&server), run_id(2));
        browser.open(&url).await;
        browser
            .wait_until(&format!("{}?.querySelector('.panel') != null", row(2)))
            .await;
        assert_eq!(
            browser
                .evaluate("document.querySelectorAll('.panel').length")
                .await,
            1
        );
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn in_firefox_a_filter_shows_the_runs_of_its_status() {
    with_firefox(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        report(&server, 2, "failed", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '2,1'")).await;
        browser.click(".filters [data-status=processing]").await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '1'")).await;
        browser.click(".filters [data-status='']").await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '2,1'")).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn in_firefox_a_picture_opens_in_full_size_and_escape_closes_it() {
    with_firefox(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let images = ["a.png", "b.png"].map(|file| image(storage, file));
        report_completed(&server, 1, json!([{ "data": { "images": images } }])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser.click(".tile img").await;
        let shown = "document.querySelector('dialog[open] .stage img')";
        browser
            .wait_until(&format!("{shown}?.naturalWidth === 1"))
            .await;
        browser.press(Key::Right).await;
        browser
            .wait_until(&format!("{shown}?.alt === 'b.png'"))
            .await;
        browser.press(Key::Escape).await;
        browser
            .wait_until("document.querySelector('dialog[open]') === null")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

/// Firefox gives a sound that is not loaded the height of a video: 150 px, of which its controls fill 40.
#[tokio::test]
async fn in_firefox_a_sound_is_as_high_as_its_controls_and_a_click_plays_it() {
    with_firefox(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        // It never arrives, so that the player stays.
        let audio = [image(storage, "pending.mp3")];
        report_completed(&server, 1, json!([{ "data": { "audio": audio } }])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let size = "(({ width, height }) => [width, height])
            (document.querySelector('.panel audio').getBoundingClientRect())";
        let size = browser.evaluate(size).await;
        let [width, height] = [0, 1].map(|side| size[side].as_f64().unwrap());
        assert!((40.0..60.0).contains(&height), "{size}");
        // The button is at the left; an offset is from the middle.
        let to_button = 20.0 - width / 2.0;
        browser.click_at(".panel audio", to_button).await;
        browser
            .wait_until("!document.querySelector('.panel audio').paused")
            .await;
    })
    .await;
}

#[tokio::test]
async fn in_firefox_hostile_text_is_shown_as_text_only() {
    with_firefox(async |browser| {
        let server = Server::start().await;
        let html = "<img src=x onerror='window.isOwned = true'>";
        let script = "<script>window.isOwned = true</script>";
        let url = "javascript:window.isOwned=true";
        let outputs = json!([{ "id": script, "data": {
            "text": [html, script, url], html: [html],
            "files": [{ "url": url, "filename": html }]
        } }]);
        report(&server, 1, "processing", 45.0, outputs).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let text = browser.find(".panel figure pre").await.text().await.unwrap();
        assert_eq!(text, html);
        let made = "document.querySelectorAll('#runs img, #runs script, #runs [onerror], a[href^=javascript]').length";
        assert_eq!(browser.evaluate(made).await, 0);
        assert_eq!(browser.evaluate("typeof window.isOwned").await, "undefined");
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn in_firefox_an_open_run_is_accessible() {
    with_firefox(async |browser| {
        let server = Server::start().await;
        let outputs = json!([{ "data": { "text": ["a castle"] } }]);
        report(&server, 1, "processing", 45.0, outputs).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser.assert_accessible("an open run in Firefox").await;
    })
    .await;
}
