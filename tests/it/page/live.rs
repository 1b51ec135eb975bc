//! What the page shows while runs change.

use serde_json::json;

use super::{page_url, report, report_all, report_completed, row};
use crate::{
    browser::with_browser,
    harness::{Process, Server, WEBHOOK, run_id},
};

#[tokio::test]
async fn runs_appear_and_change_without_a_reload() {
    with_browser(async |browser| {
        let server = Server::start().await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("!document.querySelector('#welcome').hidden")
            .await;
        browser.run("window.isTheSamePage = true").await;

        report(&server, 1, "processing", 45.0, json!([])).await;
        browser
            .wait_until("document.querySelector('.percent')?.textContent === '45%'")
            .await;
        let row = row(1);
        for (part, shown) in [
            (".status", "Processing"),
            (".doing", "Executing KSampler"),
            ("summary code", "7c9e6679"),
        ] {
            let text = browser
                .evaluate(&format!("{row}.querySelector('{part}').innerText"))
                .await;
            assert_eq!(text, shown, "{part}");
        }
        assert_eq!(
            browser
                .evaluate("document.querySelector('#welcome').hidden")
                .await,
            true
        );
        assert_eq!(browser.client.title().await.unwrap(), "(1) Runs");

        report(&server, 2, "queued", 0.0, json!([])).await;
        browser
            .wait_until("document.querySelectorAll('.run').length === 2")
            .await;
        assert_eq!(
            browser
                .evaluate("document.querySelector('.run').dataset.run")
                .await,
            run_id(2)
        );

        report_completed(&server, 1, json!([])).await;
        browser
            .wait_until(&format!("{row}.dataset.status === 'completed'"))
            .await;
        // Full, although the last update reported 98.
        assert_eq!(
            browser
                .evaluate(&format!("{row}.querySelector('progress').value"))
                .await,
            100
        );
        browser
            .wait_until(
                "document.querySelector('[data-status=completed] .count').textContent === '1'",
            )
            .await;
        assert_eq!(browser.evaluate("window.isTheSamePage").await, true);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_filter_shows_the_runs_that_have_its_status_now() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        report(&server, 2, "failed", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        let shown = "[...document.querySelectorAll('.run')]
        .map((row) => row.dataset.run.at(-1)).join()";
        browser.wait_until(&format!("{shown} === '2,1'")).await;

        browser.click(".filters [data-status=failed]").await;
        assert_eq!(browser.evaluate(shown).await, "2");
        let pressed = "[...document.querySelectorAll('.filters [aria-pressed=true]')]
        .map((button) => button.dataset.status)";
        assert_eq!(browser.evaluate(pressed).await, json!(["failed"]));
        report(&server, 1, "failed", 45.0, json!([])).await;
        browser.wait_until(&format!("{shown} === '2,1'")).await;
        // It leaves the filter, and with it the list.
        report(&server, 2, "completed", 45.0, json!([])).await;
        browser.wait_until(&format!("{shown} === '1'")).await;

        browser.click(".filters [data-status=queued]").await;
        browser
            .wait_until("document.querySelector('#none').innerText === 'No queued runs.'")
            .await;
        browser.click(".filters [data-status='']").await;
        browser.wait_until(&format!("{shown} === '2,1'")).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn runs_outside_the_filter_do_not_count_towards_the_row_limit() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_completed(&server, 0, json!([])).await;
        report(&server, 1, "processing", 10.0, json!([])).await;
        report_all(&server, 2..=2_001, "processing").await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("document.querySelectorAll('.run').length === 2000")
            .await;
        browser.click(".filters [data-status=completed]").await;
        browser.wait_until(&format!("{} !== null", row(0))).await;
        // Runs that leave the filter make room for older ones.
        browser.click(".filters [data-status=processing]").await;
        browser
            .wait_until("document.querySelectorAll('.run').length === 2000")
            .await;
        report_all(&server, 2..=2_001, "failed").await;
        browser.wait_until(&format!("{} !== null", row(1))).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_shown_and_reconnects_by_itself() {
    with_browser(async |browser| {
        let update = |n: usize| json!({ "run_id": run_id(n), "status": "queued" }).to_string();
        let mut process = Process::serve(&[]);
        assert_eq!(process.post(WEBHOOK, update(1)).await.status(), 200);
        browser.open(&process.url("/")).await;
        browser.wait_until(&format!("{} !== null", row(1))).await;
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        process.stop();
        browser
            .wait_until("document.querySelector('#state').dataset.state === 'lost'")
            .await;
        assert_eq!(
            browser
                .evaluate("document.querySelectorAll('.run').length")
                .await,
            1
        );

        let address = process.address.to_string();
        let restarted = Process::start(Process::command(&["--listen", &address]));
        assert_eq!(restarted.post(WEBHOOK, update(2)).await.status(), 200);
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        // The service keeps nothing over a restart, so the first run is gone.
        browser
            .wait_until(&format!("{} !== null && {} === null", row(2), row(1)))
            .await;
    })
    .await;
}

#[tokio::test]
async fn with_two_thousand_runs_an_update_changes_one_row() {
    with_browser(async |browser| {
        let server = Server::start().await;
        // The oldest gets no row.
        report(&server, 0, "processing", 10.0, json!([])).await;
        report_all(&server, 1..=2_000, "processing").await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("document.querySelectorAll('.run').length === 2000")
            .await;
        let note = browser.find("#more").await.text().await.unwrap();
        assert_eq!(note, "Showing the newest 2,000 of 2,001 runs.");
        browser
            .run(
                "window.changed = new Set();
             new MutationObserver((changes) => {
               for (const { target } of changes) {
                 const element = target.nodeType === 1 ? target : target.parentElement;
                 // The time changes in every row.
                 if (element.tagName !== 'TIME') changed.add(element.closest('.run')?.dataset.run);
               }
             }).observe(document.querySelector('#runs'),
               { subtree: true, childList: true, characterData: true, attributes: true });",
            )
            .await;
        report(&server, 1_000, "processing", 20.0, json!([])).await;
        browser
            .wait_until(&format!(
                "{}.querySelector('.percent').textContent === '20%'",
                row(1_000)
            ))
            .await;
        assert_eq!(
            browser.evaluate("[...changed]").await,
            json!([run_id(1_000)])
        );
        browser.assert_no_console_errors().await;
    })
    .await;
}
