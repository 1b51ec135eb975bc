//! The stream: in a hidden tab, and when the service is gone and comes back.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;

use super::{
    emulation::{emulate_viewer, let_seconds_pass, set_seen},
    page_url,
    polling::{Between, open_through},
    report, report_all, row, wait_for_state,
};
use crate::{
    browser::{Browser, with_browser},
    harness::{Folder, Process, Server, WEBHOOK, run_id, update},
};

#[tokio::test]
async fn a_hidden_tab_lets_its_stream_go_and_takes_it_up_again() {
    with_browser(async |browser| {
        const SUBSCRIBERS: &str = "comfydeploy_webhook_subscribers";
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        emulate_viewer(browser).await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Live").await;
        server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
        set_seen(browser, false).await;
        let_seconds_pass(browser, 60).await;
        server.until_metric(&format!("{SUBSCRIBERS} 0")).await;
        wait_for_state(browser, "Paused").await;
        // It asks less often.
        report(&server, 2, "processing", 45.0, json!([])).await;
        let_seconds_pass(browser, 15).await;
        browser
            .wait_until("document.title.startsWith('2 at work')")
            .await;

        set_seen(browser, true).await;
        wait_for_state(browser, "Live").await;
        server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
        browser.wait_until(&format!("{} !== null", row(2))).await;
    })
    .await;
}

/// Browsers keep pages for Back, and their connections with them.
#[tokio::test]
async fn a_page_that_is_left_lets_its_stream_go_and_back_takes_it_up_again() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Live").await;
        browser
            .open(&format!("http://{}/api/service", server.address))
            .await;
        server
            .until_metric("comfydeploy_webhook_subscribers 0")
            .await;
        report(&server, 2, "processing", 45.0, json!([])).await;
        browser.client.back().await.unwrap();
        wait_for_state(browser, "Live").await;
        browser.wait_until(&format!("{} !== null", row(2))).await;
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_is_seen_while_the_service_is_gone_is_live_again_afterwards() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let between = Arc::new(Between::default());
        open_through(browser, &server, &between).await;
        wait_for_state(browser, "Live").await;
        set_seen(browser, false).await;
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Paused").await;
        between.is_down.store(true, Ordering::Relaxed);
        let_seconds_pass(browser, 15).await;
        wait_for_state(browser, "Disconnected, trying again").await;
        set_seen(browser, true).await;
        between.is_down.store(false, Ordering::Relaxed);
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Live").await;
    })
    .await;
}

/// Stops a service and starts it again at the same address. Returns whether the page says what is forgotten.
async fn says_what_a_restart_forgot(browser: &Browser, arguments: &[&str]) -> bool {
    let mut process = Process::serve(arguments);
    assert_eq!(
        process.post(WEBHOOK, update(1, "queued")).await.status(),
        200
    );
    browser.open(&process.url("/")).await;
    browser.wait_until(&format!("{} !== null", row(1))).await;
    wait_for_state(browser, "Live").await;
    process.stop();
    wait_for_state(browser, "Disconnected, trying again").await;
    let rows = "document.querySelectorAll('.run').length";
    assert_eq!(browser.evaluate(rows).await, 1);

    let address = process.address.to_string();
    let arguments = [&["--listen", &address], arguments].concat();
    let restarted = Process::start(Process::command(&arguments));
    assert_eq!(
        restarted.post(WEBHOOK, update(2, "queued")).await.status(),
        200
    );
    wait_for_state(browser, "Live").await;
    browser.wait_until(&format!("{} !== null", row(2))).await;
    // What was forgotten is gone when this is known, too.
    let is_forgotten = format!("{} === null", row(1));
    let notice = "document.querySelector('#restarted:not([hidden])')?.textContent ?? ''";
    if arguments.contains(&"--database-url") {
        assert_eq!(browser.evaluate(&is_forgotten).await, false);
        assert_eq!(browser.evaluate(notice).await, "");
        return false;
    }
    browser.wait_until(&is_forgotten).await;
    browser
        .wait_until(&format!("{notice}.includes('earlier runs are forgotten')"))
        .await;
    browser.click("#restarted button").await;
    browser.find("#restarted[hidden]").await;
    true
}

#[tokio::test]
#[cfg_attr(not(feature = "sqlite"), ignore = "needs the feature sqlite")]
async fn a_restart_is_told_where_it_forgets_runs() {
    with_browser(async |browser| {
        assert!(says_what_a_restart_forgot(browser, &[]).await);
        let folder = Folder::new();
        let url = format!("sqlite:{}", folder.path("runs.db").display());
        assert!(!says_what_a_restart_forgot(browser, &["--database-url", &url]).await);
    })
    .await;
}

#[tokio::test]
async fn a_run_is_open_while_many_others_change() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=200, "processing").await;
        let address = format!("{}#run={}", page_url(&server), run_id(100));
        browser.open(&address).await;
        wait_for_state(browser, "Live").await;
        report_all(&server, 1..=200, "failed").await;
        browser
            .wait_until(&format!("{}?.dataset.status === 'failed'", row(100)))
            .await;
        let panel = format!("[data-run='{}'] .panel", run_id(100));
        browser.find(&panel).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}
