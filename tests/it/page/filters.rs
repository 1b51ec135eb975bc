//! The filter by status, while runs change their status.

use serde_json::json;

use super::{
    SHOWN_RUNS,
    emulation::move_pointer,
    hold::{PLACES, open_list, wait_for_new_count},
    page_url, report, report_all, row, wait_for_state,
};
use crate::{
    browser::with_browser,
    harness::{Server, run_id},
};

#[tokio::test]
async fn a_filter_shows_the_runs_that_have_its_status_now() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        report(&server, 2, "failed", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '2,1'")).await;

        browser.click(".filters [data-status=failed]").await;
        assert_eq!(browser.evaluate(SHOWN_RUNS).await, "2");
        let pressed = "[...document.querySelectorAll('.filters [aria-pressed=true]')]
        .map((button) => button.dataset.status)";
        assert_eq!(browser.evaluate(pressed).await, json!(["failed"]));
        report(&server, 1, "failed", 45.0, json!([])).await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '2,1'")).await;
        // It leaves the filter, and with it the list.
        report(&server, 2, "completed", 45.0, json!([])).await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '1'")).await;

        browser.click(".filters [data-status=queued]").await;
        browser
            .wait_until("document.querySelector('#none').innerText === 'No queued runs.'")
            .await;
        browser.click(".filters [data-status='']").await;
        browser.wait_until(&format!("{SHOWN_RUNS} === '2,1'")).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_run_that_leaves_the_filter_stays_for_so_long() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        browser.click(".filters [data-status=processing]").await;
        move_pointer(browser, 400, 400).await;
        let places = browser.evaluate(PLACES).await;
        report(&server, 29, "failed", 10.0, json!([])).await;
        let count = "document.querySelector('[data-status=failed] .count').textContent";
        browser.wait_until(&format!("{count} === '1'")).await;
        // It says what became of it.
        browser
            .wait_until(&format!("{}.dataset.status === 'failed'", row(29)))
            .await;
        assert_eq!(browser.evaluate(PLACES).await, places);
        move_pointer(browser, 1, 1).await;
        browser.wait_until(&format!("{} === null", row(29))).await;
    })
    .await;
}

#[tokio::test]
async fn new_runs_wait_above_when_all_that_are_shown_have_left_the_filter() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        browser.click(".filters [data-status=processing]").await;
        move_pointer(browser, 400, 400).await;
        report_all(&server, 1..=30, "failed").await;
        report(&server, 101, "processing", 10.0, json!([])).await;
        wait_for_new_count(browser, "1 new run").await;
        assert_eq!(
            browser.evaluate(&format!("{} === null", row(101))).await,
            true
        );
    })
    .await;
}

#[tokio::test]
async fn a_run_above_the_list_keeps_no_new_ones_away() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        let address = format!("location.hash = 'status=failed&run={}'", run_id(29));
        browser.run(&address).await;
        browser.find("#pinned .panel").await;
        let none = "document.querySelector('#none:not([hidden])')?.innerText ?? ''";
        browser
            .wait_until(&format!("({none}) === 'No failed runs.'"))
            .await;
        for n in [1, 2] {
            report(&server, n, "failed", 10.0, json!([])).await;
            browser.wait_until(&format!("{} !== null", row(n))).await;
            browser.wait_until(&format!("({none}) === ''")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_run_that_leaves_the_filter_leaves_a_note() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        report(&server, 1, "failed", 10.0, json!([])).await;
        browser.click(".filters [data-status=failed]").await;
        wait_for_state(browser, "Live").await;
        browser.wait_until(&format!("{} !== null", row(1))).await;
        report(&server, 1, "completed", 10.0, json!([])).await;
        browser
            .wait_until(
                "document.querySelector('#none:not([hidden])')?.innerText === 'No failed runs.'",
            )
            .await;
        browser.find("#runs[hidden]").await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_keeps_no_run_of_another_filter_away() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=20, "processing").await;
        report(&server, 10, "failed", 10.0, json!([])).await;
        let address = format!("{}#status=failed&run={}", page_url(&server), run_id(10));
        browser.open(&address).await;
        browser.find("#runs .panel").await;
        browser.click(".filters [data-status='']").await;
        browser
            .wait_until("document.querySelector('#runs .run').ariaSetSize === '20'")
            .await;
        wait_for_new_count(browser, "").await;
    })
    .await;
}
