//! What tells a viewer who looks elsewhere.

use serde_json::json;

use super::{
    emulation::{before_scripts, emulate_viewer, let_seconds_pass, set_seen},
    open_with, page_url, report, report_all, report_completed, row,
};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, run_id},
};

/// Records the notifications instead of showing them.
async fn record_notifications(browser: &Browser) {
    let script = "
        window.notifications = [];
        window.asked = 0;
        window.Notification = class {
          static permission = 'default';
          static async requestPermission() {
            asked += 1;
            return Notification.permission = 'granted';
          }
          constructor(title, options) {
            Object.assign(this, { title, ...options });
            notifications.push(this);
          }
          close() {}
        };";
    before_scripts(browser, script).await;
    emulate_viewer(browser).await;
}

#[tokio::test]
async fn the_button_says_when_the_browser_blocks_notifications() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let blocks = "
            window.Notification = class {
              static permission = 'default';
              static async requestPermission() { return Notification.permission = 'denied'; }
            };";
        before_scripts(browser, blocks).await;
        browser.open(&page_url(&server)).await;
        browser.click("#notify").await;
        browser
            .wait_until("document.querySelector('#notify').innerText.includes('blocked')")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_title_tells_how_many_runs_are_at_work_and_failed_meanwhile() {
    with_browser(async |browser| {
        emulate_viewer(browser).await;
        let server = Server::start().await;
        report_all(&server, 1..=3, "processing").await;
        report(&server, 4, "failed", 10.0, json!([])).await;
        open_with(browser, &server, 4).await;
        let wait_for_title = async |title: &str| {
            browser
                .wait_until(&format!("document.title === '{title}'"))
                .await;
        };
        wait_for_title("3 at work · Runs").await;
        // The viewer sees this one.
        report(&server, 1, "failed", 10.0, json!([])).await;
        wait_for_title("2 at work · Runs").await;
        set_seen(browser, false).await;
        report(&server, 2, "failed", 10.0, json!([])).await;
        wait_for_title("1 at work · 1 failed · Runs").await;
        report_completed(&server, 3, json!([])).await;
        wait_for_title("1 failed · Runs").await;
        set_seen(browser, true).await;
        wait_for_title("Runs").await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_viewer_who_wants_it_is_notified_of_each_end() {
    with_browser(async |browser| {
        record_notifications(browser).await;
        let server = Server::start().await;
        report_all(&server, 1..=20, "processing").await;
        report(&server, 21, "failed", 10.0, json!([])).await;
        open_with(browser, &server, 21).await;
        assert_eq!(browser.evaluate("asked").await, 0);
        browser.click("#notify").await;
        browser.find("#notify[aria-pressed=true]").await;
        assert_eq!(browser.evaluate("asked").await, 1);

        // Not while the viewer sees it.
        report(&server, 20, "failed", 10.0, json!([])).await;
        browser
            .wait_until(&format!("{}.dataset.status === 'failed'", row(20)))
            .await;
        set_seen(browser, false).await;
        report(&server, 1, "failed", 10.0, json!([])).await;
        browser.wait_until("notifications.length === 1").await;
        let told = "notifications.map(({ title, body }) => `${title}: ${body}`)";
        let expected = format!("Run failed: failed at KSampler\n{}", run_id(1));
        assert_eq!(browser.evaluate(told).await, json!([expected]));
        // Again, and one that had ended before.
        report(&server, 1, "failed", 20.0, json!([])).await;
        report(&server, 21, "failed", 20.0, json!([])).await;
        browser
            .wait_until(&format!(
                "{}?.querySelector('.percent').textContent === '20%'",
                row(21)
            ))
            .await;
        assert_eq!(browser.evaluate("notifications.length").await, 1);

        // Many at once are one. In a hidden tab the page asks for the runs now and then.
        let_seconds_pass(browser, 60).await;
        browser
            .wait_until("document.querySelector('#state').textContent === 'Paused'")
            .await;
        report_all(&server, 2..=9, "failed").await;
        let_seconds_pass(browser, 15).await;
        browser.wait_until("notifications.length === 2").await;
        let title = "notifications[1].title + ': ' + notifications[1].body";
        assert_eq!(browser.evaluate(title).await, "8 runs ended: 8 failed");

        browser.run("notifications[0].onclick()").await;
        browser
            .find(&format!("[data-run='{}'] .panel", run_id(1)))
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_first_end_is_told_though_it_is_learned_late() {
    with_browser(async |browser| {
        record_notifications(browser).await;
        let server = Server::start().await;
        report(&server, 1, "processing", 10.0, json!([])).await;
        open_with(browser, &server, 1).await;
        browser.click("#notify").await;
        set_seen(browser, false).await;
        // The end as a list has it that comes a minute later.
        browser
            .run("window.realDate = Date.now; Date.now = () => realDate() + 60_000")
            .await;
        report(&server, 1, "failed", 10.0, json!([])).await;
        browser.wait_until("notifications.length === 1").await;
    })
    .await;
}

#[tokio::test]
async fn ends_are_told_once_a_second_at_most() {
    with_browser(async |browser| {
        record_notifications(browser).await;
        let server = Server::start().await;
        report_all(&server, 1..=400, "processing").await;
        open_with(browser, &server, 400).await;
        browser.click("#notify").await;
        browser.find("#notify[aria-pressed=true]").await;
        set_seen(browser, false).await;
        let script = "
            window.toldAt = [];
            notifications.push = (notification) => {
              Array.prototype.push.call(notifications, notification);
              const now = performance.now();
              if (now - (toldAt.at(-1) ?? 0) > 5) toldAt.push(now);
            };";
        browser.run(script).await;
        report_all(&server, 1..=400, "failed").await;
        let told = "notifications.reduce((sum, { title }) => sum + (parseInt(title) || 1), 0)";
        browser.wait_until(&format!("{told} === 400")).await;
        let is_seldom = "toldAt.every((at, i) => i === 0 || at - toldAt[i - 1] > 900)";
        assert_eq!(
            browser.evaluate(is_seldom).await,
            true,
            "{}",
            browser.evaluate("toldAt").await
        );
    })
    .await;
}
