//! What the page shows while runs change.

use serde_json::json;

use super::{
    emulation::before_scripts, open_run, page_url, report, report_all, report_completed, row,
    wait_for_state,
};
use crate::{
    browser::with_browser,
    harness::{Server, run_id},
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
            (".identity a", &run_id(1)),
        ] {
            let text = format!("{row}.querySelector('{part}').innerText");
            assert_eq!(browser.evaluate(&text).await, shown, "{part}");
        }
        let is_welcome_hidden = "document.querySelector('#welcome').hidden";
        assert_eq!(browser.evaluate(is_welcome_hidden).await, true);

        report(&server, 2, "queued", 0.0, json!([])).await;
        let ids = "[...document.querySelectorAll('.run')].map((row) => row.dataset.run)";
        browser.wait_until(&format!("{ids}.length === 2")).await;
        assert_eq!(browser.evaluate(ids).await, json!([run_id(2), run_id(1)]));

        report_completed(&server, 1, json!([])).await;
        browser
            .wait_until(&format!("{row}.dataset.status === 'completed'"))
            .await;
        // Full, although the last update reported 98.
        let value = format!("{row}.querySelector('progress').value");
        assert_eq!(browser.evaluate(&value).await, 100);
        let count = "document.querySelector('[data-status=completed] .count').textContent";
        browser.wait_until(&format!("{count} === '1'")).await;
        assert_eq!(browser.evaluate("window.isTheSamePage").await, true);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn with_two_thousand_runs_an_update_changes_only_its_row() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=2_000, "processing").await;
        // The newest is near the window, the oldest is not.
        report(&server, 2_001, "processing", 10.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until(&format!("{}?.ariaSetSize === '2001'", row(2_001)))
            .await;
        wait_for_state(browser, "Live").await;
        let script = "
            window.changed = new Set();
            const observer = new MutationObserver((changes) => {
              for (const { target } of changes) {
                const element = target.nodeType === 1 ? target : target.parentElement;
                // The times change in every row.
                if (!element.closest('.when')) changed.add(element.closest('.run')?.dataset.run ?? element.id);
              }
            });
            observer.observe(document.querySelector('main'),
              { subtree: true, childList: true, characterData: true, attributes: true });";
        browser.run(script).await;
        report(&server, 2_001, "processing", 20.0, json!([])).await;
        let percent = format!("{}.querySelector('.percent').textContent", row(2_001));
        browser.wait_until(&format!("{percent} === '20%'")).await;
        assert_eq!(
            browser.evaluate("[...changed]").await,
            json!([run_id(2_001)])
        );

        browser.run("changed.clear()").await;
        report(&server, 1, "failed", 20.0, json!([])).await;
        let count = "document.querySelector('[data-status=failed] .count').textContent";
        browser.wait_until(&format!("{count} === '1'")).await;
        // Only the counts of the filters, which have no id.
        assert_eq!(browser.evaluate("[...changed]").await, json!([""]));
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn times_are_counted_by_the_clock_of_the_service() {
    with_browser(async |browser| {
        // The viewer's clock is ten minutes fast.
        let script = "const now = Date.now; Date.now = () => now() + 600_000;";
        before_scripts(browser, script).await;
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Live").await;
        let seen = format!("{}.querySelector('time').innerText", row(1));
        browser
            .wait_until(&format!("/^(just now|\\d+ s ago)$/.test({seen})"))
            .await;
        let took = format!("{}.querySelector('.took').innerText", row(1));
        browser
            .wait_until(&format!("/^running [1-9] s$/.test({took})"))
            .await;
        report_completed(&server, 1, json!([])).await;
        browser
            .wait_until(&format!("/^took [\\d.]+ s$/.test({took})"))
            .await;
        open_run(browser, 1).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_row_of_a_run_says_how_it_ended() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let error =
            json!({ "exception_type": "OutOfMemoryError", "exception_message": "Out of memory." });
        for (n, status, outputs) in [
            (1, "failed", json!([])),
            (2, "cancelled", json!([])),
            (3, "timeout", json!([])),
            (4, "failed", json!([{ "id": "1", "data": error }])),
            (5, "completed", json!([])),
        ] {
            report(&server, n, status, 45.0, outputs).await;
        }
        browser.open(&page_url(&server)).await;
        browser.wait_until(&format!("{} !== null", row(5))).await;
        let shown = "[...document.querySelectorAll('.run')].map((row) =>
            ['.status', '.doing'].map((part) => row.querySelector(part).textContent).join(': '))";
        let expected = [
            "Completed: No outputs",
            "Failed: OutOfMemoryError: Out of memory.",
            "Timed out: timed out at KSampler",
            "Cancelled: cancelled at KSampler",
            "Failed: failed at KSampler",
        ];
        assert_eq!(browser.evaluate(shown).await, json!(expected));
        browser.assert_no_console_errors().await;
    })
    .await;
}
