//! Finding runs by their ids and labels.

use fantoccini::key::Key;
use serde_json::json;

use super::{SHOWN_RUNS, open_with, report_all};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, WEBHOOK, run_id, update},
};

async fn search(browser: &Browser, text: &str) {
    let input = browser.find("#search input").await;
    browser
        .run("document.querySelector('#search input').select()")
        .await;
    input.send_keys(text).await.unwrap();
    browser.press(Key::Enter).await;
}

async fn wait_for_runs(browser: &Browser, runs: &str) {
    browser
        .wait_until(&format!("{SHOWN_RUNS} === '{runs}'"))
        .await;
}

/// Reports a run with a label.
async fn report_of_user(server: &Server, n: usize, status: &str, user: &str) {
    let request = server.request(reqwest::Method::POST, &format!("{WEBHOOK}?user={user}"));
    let request = request.header("content-type", "application/json");
    let response = request.body(update(n, status)).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn runs_are_found_by_their_ids_and_labels() {
    with_browser(async |browser| {
        let server = Server::start().await;
        for (n, status, user) in [
            (1, "failed", "42"),
            (2, "success", "42"),
            (3, "success", "7"),
            (1001, "success", "7"),
        ] {
            report_of_user(&server, n, status, user).await;
        }
        open_with(browser, &server, 1001).await;
        wait_for_runs(browser, "1001,3,2,1").await;

        search(browser, &run_id(1001)[..34]).await;
        wait_for_runs(browser, "1001").await;
        // Without hyphens, and in capital letters.
        search(browser, &run_id(1)[..33].replace('-', "").to_uppercase()).await;
        wait_for_runs(browser, "3,2,1").await;
        search(browser, "user:42").await;
        wait_for_runs(browser, "2,1").await;
        browser.click(".filters [data-status=failed]").await;
        wait_for_runs(browser, "1").await;
        // One that comes is shown if both are true of it.
        report_of_user(&server, 4, "failed", "7").await;
        report_of_user(&server, 5, "success", "42").await;
        report_of_user(&server, 6, "failed", "42").await;
        browser.run("document.activeElement.blur()").await;
        wait_for_runs(browser, "6,1").await;
        search(browser, "user:8").await;
        browser
            .wait_until(
                "document.querySelector('#none').innerText === 'No failed runs for user:8.'",
            )
            .await;

        search(browser, &Key::Backspace.to_string()).await;
        wait_for_runs(browser, "6,4,1").await;
        browser.click(".filters [data-status='']").await;
        wait_for_runs(browser, "6,5,4,1001,3,2,1").await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_search_for_a_whole_id_opens_the_run() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=3, "processing").await;
        open_with(browser, &server, 3).await;
        search(browser, &run_id(2).to_uppercase()).await;
        browser
            .find(&format!("#runs [data-run='{}'] .panel", run_id(2)))
            .await;
        wait_for_runs(browser, "2").await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_search_that_can_find_nothing_says_so_and_changes_nothing() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=3, "processing").await;
        open_with(browser, &server, 3).await;
        let shown = browser.evaluate(SHOWN_RUNS).await;
        let address = browser.evaluate("location.href").await;
        let long = format!("user:{}", "ü".repeat(129));
        for text in ["hello", ":42", "7c9e6679-74x", &long] {
            search(browser, text).await;
            let message = "document.querySelector('#search input').validationMessage";
            assert_eq!(
                browser.evaluate(message).await,
                "Enter a run id, its beginning, or name:value of a label.",
                "{text}"
            );
            assert_eq!(browser.evaluate(SHOWN_RUNS).await, shown, "{text}");
            assert_eq!(browser.evaluate("location.href").await, address, "{text}");
        }
        // Nothing says that it is wrong as soon as it is right.
        search(browser, "user:42").await;
        wait_for_runs(browser, "").await;
        let is_valid = "document.querySelector('#search input').checkValidity()";
        assert_eq!(browser.evaluate(is_valid).await, json!(true));
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_filter_can_be_chosen_after_a_search_that_can_find_nothing() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=3, "processing").await;
        open_with(browser, &server, 3).await;
        search(browser, "hello").await;
        browser.click(".filters [data-status=failed]").await;
        wait_for_runs(browser, "").await;
        // The viewer may go on typing.
        let typed = "document.querySelector('#search input').value";
        assert_eq!(browser.evaluate(typed).await, "hello");
    })
    .await;
}
