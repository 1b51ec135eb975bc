//! What the page shows while runs go on.

use serde_json::json;

use super::{completed, page, report, row};
use crate::{
    browser::Browser,
    harness::{Process, Server, WEBHOOK, run_id},
};

#[tokio::test]
async fn runs_appear_and_move_without_a_reload() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    browser.open(&page(&server)).await;
    browser
        .until("!document.querySelector('#welcome').hidden")
        .await;
    browser.run("window.isTheSamePage = true").await;

    report(&server, 1, "processing", 45.0, json!([])).await;
    browser
        .until("document.querySelector('.percent')?.textContent === '45%'")
        .await;
    let row = row(1);
    for (part, shown) in [
        (".status", "Processing"),
        (".doing", "Executing KSampler"),
        ("summary code", "7c9e6679"),
    ] {
        let text = browser
            .value(&format!("{row}.querySelector('{part}').innerText"))
            .await;
        assert_eq!(text, shown, "{part}");
    }
    assert_eq!(
        browser
            .value("document.querySelector('#welcome').hidden")
            .await,
        true
    );
    assert_eq!(browser.client.title().await.unwrap(), "(1) Runs");

    report(&server, 2, "queued", 0.0, json!([])).await;
    browser
        .until("document.querySelectorAll('.run').length === 2")
        .await;
    assert_eq!(
        browser
            .value("document.querySelector('.run').dataset.run")
            .await,
        run_id(2)
    );

    completed(&server, 1, json!([])).await;
    browser
        .until(&format!("{row}.dataset.status === 'completed'"))
        .await;
    // Full, though the last that was reported is 98.
    assert_eq!(
        browser
            .value(&format!("{row}.querySelector('progress').value"))
            .await,
        100
    );
    browser
        .until("document.querySelector('[data-status=completed] .count').textContent === '1'")
        .await;
    assert_eq!(browser.value("window.isTheSamePage").await, true);
    browser.assert_content().await;
}

#[tokio::test]
async fn a_filter_shows_the_runs_of_one_status_and_keeps_up_with_them() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    report(&server, 2, "failed", 45.0, json!([])).await;
    browser.open(&page(&server)).await;
    let shown = "[...document.querySelectorAll('.run:not([hidden])')].map(row => row.dataset.run.at(-1)).join()";
    browser.until(&format!("{shown} === '2,1'")).await;

    browser.click(".filters [data-status=failed]").await;
    assert_eq!(browser.value(shown).await, "2");
    let pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(button => button.dataset.status)";
    assert_eq!(browser.value(pressed).await, json!(["failed"]));
    report(&server, 1, "failed", 45.0, json!([])).await;
    browser.until(&format!("{shown} === '2,1'")).await;
    // It leaves the status, and with it the list.
    report(&server, 2, "completed", 45.0, json!([])).await;
    browser.until(&format!("{shown} === '1'")).await;

    browser.click(".filters [data-status=queued]").await;
    browser
        .until("document.querySelector('#none').innerText === 'No queued runs.'")
        .await;
    browser.click(".filters [data-status='']").await;
    browser.until(&format!("{shown} === '2,1'")).await;
    browser.assert_content().await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_takes_no_place() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    completed(&server, 0, json!([])).await;
    for n in 1..=2_001 {
        report(&server, n, "processing", 10.0, json!([])).await;
    }
    browser.open(&page(&server)).await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    browser.click(".filters [data-status=completed]").await;
    browser.until(&format!("{} !== null", row(0))).await;
    // Those that leave the status make room for older ones.
    browser.click(".filters [data-status=processing]").await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    for n in 2..=2_001 {
        report(&server, n, "failed", 10.0, json!([])).await;
    }
    browser.until(&format!("{} !== null", row(1))).await;
    browser.assert_content().await;
}

#[tokio::test]
async fn a_lost_connection_is_said_and_comes_back_by_itself() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let update = |n: usize| json!({ "run_id": run_id(n), "status": "queued" }).to_string();
    let mut process = Process::serve(&[]);
    assert_eq!(process.post(WEBHOOK, update(1)).await.status(), 200);
    browser.open(&process.url("/")).await;
    browser.until(&format!("{} !== null", row(1))).await;
    browser
        .until("document.querySelector('#state').innerText === 'Live'")
        .await;
    process.stop();
    browser
        .until("document.querySelector('#state').dataset.state === 'lost'")
        .await;
    assert_eq!(
        browser
            .value("document.querySelectorAll('.run').length")
            .await,
        1
    );

    let address = process.address.to_string();
    let again = Process::start(Process::command(&["--listen", &address]));
    assert_eq!(again.post(WEBHOOK, update(2)).await.status(), 200);
    browser
        .until("document.querySelector('#state').innerText === 'Live'")
        .await;
    // It keeps nothing over a restart, so what was there is gone.
    browser
        .until(&format!("{} !== null && {} === null", row(2), row(1)))
        .await;
}

#[tokio::test]
async fn among_two_thousand_runs_an_update_changes_one_row() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    for n in 0..2_001 {
        report(&server, n, "processing", 10.0, json!([])).await;
    }
    browser.open(&page(&server)).await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    browser
        .until("document.querySelector('#more').innerText === 'Showing the newest 2,000 of 2,001 runs.'")
        .await;
    browser
        .run(
            "window.changed = new Set();
             new MutationObserver((changes) => {
               for (const { target } of changes) {
                 const element = target.nodeType === 1 ? target : target.parentElement;
                 // The time goes on in all of them.
                 if (element.tagName !== 'TIME') changed.add(element.closest('.run')?.dataset.run);
               }
             }).observe(document.querySelector('#runs'),
               { subtree: true, childList: true, characterData: true, attributes: true });",
        )
        .await;
    report(&server, 1_000, "processing", 20.0, json!([])).await;
    browser
        .until(&format!(
            "{}.querySelector('.percent').textContent === '20%'",
            row(1_000)
        ))
        .await;
    assert_eq!(browser.value("[...changed]").await, json!([run_id(1_000)]));
    browser.assert_content().await;
}
