//! Nothing moves in the list while the viewer is at work in it.

use fantoccini::key::Key;
use serde_json::json;

use super::{emulation::move_pointer, open_run, open_with, report, report_all, row};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, run_id},
};

pub(super) const PLACES: &str = "[...document.querySelectorAll('#runs .run')]
    .map((row) => [row.dataset.run, row.getBoundingClientRect().top])";

pub(super) async fn wait_for_new_count(browser: &Browser, shown: &str) {
    let button = "document.querySelector('#new')";
    let is_shown = format!("({button}.hidden ? '' : {button}.innerText) === '{shown}'");
    browser.wait_until(&is_shown).await;
}

/// Opens the page of a service with thirty runs.
pub(super) async fn open_list(browser: &Browser) -> Server {
    let server = Server::start().await;
    report_all(&server, 1..=30, "processing").await;
    // Not from where the last test left it.
    move_pointer(browser, 1, 1).await;
    open_with(browser, &server, 30).await;
    server
}

/// Reports six new runs, which have to wait.
async fn assert_is_held(browser: &Browser, server: &Server) {
    let places = browser.evaluate(PLACES).await;
    report_all(server, 101..=106, "processing").await;
    wait_for_new_count(browser, "6 new runs").await;
    assert_eq!(browser.evaluate(PLACES).await, places);
}

async fn wait_for_new_rows(browser: &Browser) {
    let all = (101..=106).map(|n| format!("{} !== null", row(n)));
    browser
        .wait_until(&all.collect::<Vec<_>>().join(" && "))
        .await;
    wait_for_new_count(browser, "").await;
}

#[tokio::test]
async fn while_the_pointer_is_in_the_list() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        move_pointer(browser, 400, 400).await;
        assert_is_held(browser, &server).await;
        // An end of a run is shown, but moves nothing.
        report(&server, 30, "failed", 10.0, json!([])).await;
        browser
            .wait_until(&format!("{}.dataset.status === 'failed'", row(30)))
            .await;
        move_pointer(browser, 1, 1).await;
        wait_for_new_rows(browser).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn while_the_list_is_scrolled() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        browser.run("scrollTo(0, 700)").await;
        browser
            .wait_until("document.querySelector('#runs').getBoundingClientRect().top < 0")
            .await;
        assert_is_held(browser, &server).await;
        browser.run("scrollTo(0, 0)").await;
        wait_for_new_rows(browser).await;
    })
    .await;
}

#[tokio::test]
async fn while_the_keyboard_is_in_the_list() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        browser
            .run("document.querySelector('#search input').focus()")
            .await;
        browser.press(Key::Tab).await;
        assert_is_held(browser, &server).await;
        browser
            .run("document.querySelector('#search input').focus()")
            .await;
        wait_for_new_rows(browser).await;
    })
    .await;
}

#[tokio::test]
async fn while_a_run_is_open() {
    with_browser(async |browser| {
        let server = open_list(browser).await;
        open_run(browser, 28).await;
        move_pointer(browser, 1, 1).await;
        browser.run("document.activeElement.blur()").await;
        assert_is_held(browser, &server).await;
        // The button shows them, and the run stays open.
        browser.click("#new").await;
        wait_for_new_rows(browser).await;
        // The button is gone, and the pointer is in the list.
        move_pointer(browser, 1, 1).await;
        browser
            .find(&format!("[data-run='{}'] .panel", run_id(28)))
            .await;
        report(&server, 107, "processing", 10.0, json!([])).await;
        wait_for_new_count(browser, "1 new run").await;
        browser
            .run(&format!("{}.querySelector('a').click()", row(28)))
            .await;
        browser.wait_until(&format!("{} !== null", row(107))).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_clicked_row_stays_where_it_is() {
    with_browser(async |browser| {
        let _server = open_list(browser).await;
        open_run(browser, 27).await;
        let top = format!("{}.getBoundingClientRect().top", row(24));
        browser
            .run(&format!("scrollBy(0, {top} - innerHeight / 2)"))
            .await;
        let before = browser.evaluate(&top).await;
        browser
            .run(&format!("{}.querySelector('a').click()", row(24)))
            .await;
        browser
            .find(&format!("[data-run='{}'] .panel", run_id(24)))
            .await;
        let distance = format!("Math.abs({top} - {before})");
        let distance = browser.evaluate(&distance).await.as_f64().unwrap();
        assert!(distance < 1.0, "{distance}");
    })
    .await;
}

#[tokio::test]
async fn a_run_that_back_opens_is_scrolled_to() {
    with_browser(async |browser| {
        let _server = open_list(browser).await;
        browser.run("history.scrollRestoration = 'manual'").await;
        let click = async |n| {
            browser
                .run(&format!("{}.querySelector('a').click()", row(n)))
                .await;
            browser
                .find(&format!("[data-run='{}'] .panel", run_id(n)))
                .await;
        };
        click(10).await;
        browser.run("scrollTo(0, 0)").await;
        click(30).await;
        browser.run("scrollTo(0, 0)").await;
        browser.client.back().await.unwrap();
        let top = format!("{}.getBoundingClientRect().top", row(10));
        browser
            .wait_until(&format!("{top} >= 0 && {top} < innerHeight"))
            .await;
    })
    .await;
}
