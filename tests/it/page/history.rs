//! The address of what the page shows, and the browser's history.

use fantoccini::key::Key;
use serde_json::json;

use super::{
    image, open_run, open_with, page_url, report, report_all, report_completed, row, storage,
    wait_for_state,
};
use crate::{
    browser::{Browser, with_browser},
    harness::{Folder, Server, run_id},
};

const HASH: &str = "location.hash";
const OPEN: &str = "document.querySelector('.panel')?.parentElement.dataset.run ?? ''";

async fn wait_for_open(browser: &Browser, n: usize) {
    let is_open = format!("({OPEN}) === '{}'", run_id(n));
    browser.wait_until(&is_open).await;
}

async fn wait_for_hash(browser: &Browser, hash: &str) {
    browser.wait_until(&format!("{HASH} === '{hash}'")).await;
}

#[tokio::test]
async fn an_open_run_has_an_address() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=3, "processing").await;
        open_with(browser, &server, 3).await;
        browser.run("window.isTheSamePage = true").await;
        let link = format!("{}.querySelector('a').href", row(2));
        let address = format!("{}#run={}", page_url(&server), run_id(2));
        assert_eq!(browser.evaluate(&link).await, address);

        open_run(browser, 1).await;
        open_run(browser, 2).await;
        assert_eq!(browser.evaluate("location.href").await, address);
        browser.client.back().await.unwrap();
        wait_for_open(browser, 1).await;
        browser.client.back().await.unwrap();
        browser.wait_until(&format!("({OPEN}) === ''")).await;
        assert_eq!(browser.evaluate("location.href").await, page_url(&server));
        browser.client.forward().await.unwrap();
        browser.client.forward().await.unwrap();
        wait_for_open(browser, 2).await;
        assert_eq!(browser.evaluate("window.isTheSamePage").await, true);

        browser.client.refresh().await.unwrap();
        wait_for_open(browser, 2).await;
        browser.client.back().await.unwrap();
        wait_for_open(browser, 1).await;
        // A click on the open row closes it.
        browser
            .click(&format!("[data-run='{}'] a", run_id(1)))
            .await;
        browser.wait_until(&format!("({OPEN}) === ''")).await;

        // A modified click is the browser's.
        let click = format!(
            "{}.querySelector('a').dispatchEvent(
               new MouseEvent('click', {{ bubbles: true, cancelable: true, ctrlKey: true }}))",
            row(3)
        );
        let tabs = browser.client.windows().await.unwrap().len();
        assert_eq!(browser.evaluate(&click).await, true);
        assert_eq!(browser.evaluate(OPEN).await, "");
        assert!(browser.client.windows().await.unwrap().len() >= tabs);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
#[cfg_attr(not(feature = "sqlite"), ignore = "needs the feature sqlite")]
async fn a_run_without_a_row_is_shown_above_the_list() {
    with_browser(async |browser| {
        let folder = Folder::new();
        let server = Server::with_database(&folder.path("runs.db"), &["--max-runs", "2"]).await;
        for n in 1..=3 {
            report(&server, n, "completed", 100.0, json!([])).await;
        }
        let note = "document.querySelector('#pinned p').textContent";
        // The database alone has it.
        browser
            .open(&format!("{}#run={}", page_url(&server), run_id(1)))
            .await;
        wait_for_open(browser, 1).await;
        browser.find("#pinned .panel").await;
        assert_eq!(
            browser.evaluate(note).await,
            "This run is not in the list below."
        );
        browser.wait_until(&format!("{} !== null", row(3))).await;
        // A click on it closes it.
        browser.click("#pinned .run a").await;
        browser.find("#pinned[hidden]").await;

        // The filter excludes it.
        open_run(browser, 3).await;
        browser
            .run(&format!(
                "location.hash = 'status=failed&run={}'",
                run_id(3)
            ))
            .await;
        browser.find("#pinned .panel").await;
        wait_for_open(browser, 3).await;
        browser.client.back().await.unwrap();
        browser.find("#runs .panel").await;
        browser.find("#pinned[hidden]").await;

        browser
            .run(&format!("location.hash = 'run={}'", run_id(9)))
            .await;
        let unknown = format!(
            "No update of run {} has arrived, or the run is no longer kept.",
            run_id(9)
        );
        browser.wait_until(&format!("{note} === '{unknown}'")).await;
        browser.click("#pinned > button").await;
        browser.find("#pinned[hidden]").await;
        browser.client.back().await.unwrap();
        browser.find("#pinned:not([hidden])").await;
        // It is shown as soon as it exists.
        report(&server, 9, "processing", 10.0, json!([])).await;
        wait_for_open(browser, 9).await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_stays_when_the_service_forgets_it() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-runs", "2"]).await;
        report(&server, 1, "completed", 100.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        for n in 2..=4 {
            report(&server, n, "completed", 100.0, json!([])).await;
        }
        browser.click("#new").await;
        browser.wait_until(&format!("{} !== null", row(4))).await;
        let note = "document.querySelector('#pinned p').textContent";
        browser
            .wait_until(&format!("{note} === 'This run is no longer kept.'"))
            .await;
        browser.find("#pinned .panel").await;
        wait_for_open(browser, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_link_to_a_picture_of_an_unknown_run_leads_nowhere_else() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "completed", 100.0, json!([])).await;
        let picture = format!("#picture={}/1", run_id(9));
        browser
            .open(&format!("{}{picture}", page_url(&server)))
            .await;
        browser.find("#pinned:not([hidden])").await;
        browser.click("#pinned > button").await;
        browser.find("#pinned[hidden]").await;
        wait_for_hash(browser, "").await;
        // A picture that its run does not have.
        browser
            .run(&format!("location.hash = 'picture={}/99'", run_id(1)))
            .await;
        wait_for_hash(browser, "").await;
        open_run(browser, 1).await;
        wait_for_hash(browser, &format!("#run={}", run_id(1))).await;
    })
    .await;
}

#[tokio::test]
async fn an_id_in_an_address_may_be_in_upper_case() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "completed", 100.0, json!([])).await;
        let id = run_id(1).to_uppercase();
        browser
            .open(&format!("{}#run={id}", page_url(&server)))
            .await;
        wait_for_open(browser, 1).await;
    })
    .await;
}

#[tokio::test]
async fn another_filter_closes_the_open_run() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "completed", 100.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser.click(".filters [data-status=failed]").await;
        browser.find("#none:not([hidden])").await;
        assert_eq!(browser.evaluate("location.hash").await, "#status=failed");
        browser.client.back().await.unwrap();
        wait_for_open(browser, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_reload_comes_back_to_the_same_place() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=300, "completed").await;
        open_with(browser, &server, 300).await;
        browser.run("scrollTo(0, 9000)").await;
        browser.wait_until("history.state?.scrollY === 9000").await;
        browser.client.refresh().await.unwrap();
        browser.wait_until("scrollY === 9000").await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_full_size_is_a_step_of_the_history() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let images = ["a.png", "b.png", "c.png"].map(|file| image(storage, file));
        let outputs = json!([{ "id": "1", "data": { "images": images } }]);
        report_completed(&server, 1, outputs).await;
        open_with(browser, &server, 1).await;
        let shown = "document.querySelector('#lightbox[open] .stage img')?.alt ?? ''";
        let is_shown = |name: &str| format!("({shown}) === '{name}'");
        let picture = |n| format!("#picture={}/{n}", run_id(1));

        browser.click(".thumb:nth-child(2)").await;
        browser.wait_until(&is_shown("b.png")).await;
        wait_for_hash(browser, &picture(2)).await;
        let steps = browser.evaluate("history.length").await;
        browser.press(Key::Right).await;
        browser.wait_until(&is_shown("c.png")).await;
        wait_for_hash(browser, &picture(3)).await;
        browser.press(Key::Left).await;
        browser.press(Key::Left).await;
        wait_for_hash(browser, &picture(1)).await;
        assert_eq!(browser.evaluate("history.length").await, steps);

        browser.client.back().await.unwrap();
        browser.wait_until(&is_shown("")).await;
        wait_for_hash(browser, "").await;
        browser.client.forward().await.unwrap();
        browser.wait_until(&is_shown("a.png")).await;
        browser.client.refresh().await.unwrap();
        browser.wait_until(&is_shown("a.png")).await;
        browser.press(Key::Escape).await;
        wait_for_hash(browser, "").await;
        browser.wait_until(&is_shown("")).await;
        // That was a step back, not one more.
        assert_eq!(browser.evaluate("history.length").await, steps);
        browser.wait_until(&format!("{} !== null", row(1))).await;

        // Opened by its address, where there is nothing to go back to.
        browser.open("about:blank").await;
        browser
            .open(&format!("{}{}", page_url(&server), picture(2)))
            .await;
        browser.wait_until(&is_shown("b.png")).await;
        browser.press(Key::Escape).await;
        wait_for_hash(browser, "").await;
        assert_eq!(
            browser.evaluate("location.host").await,
            server.address.to_string()
        );
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_full_size_stays_when_its_run_leaves_the_filter() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let outputs = json!([{ "id": "1", "data": { "images": [image(storage, "a.png")] } }]);
        report(&server, 1, "processing", 10.0, outputs).await;
        for view in ["", "view=gallery&"] {
            let n = if view.is_empty() { 1 } else { 2 };
            let outputs = json!([{ "id": "1", "data": { "images": [image(storage, "a.png")] } }]);
            report(&server, n, "processing", 10.0, outputs).await;
            let hash = format!("#{view}status=processing&picture={}/1", run_id(n));
            browser.open("about:blank").await;
            browser.open(&format!("{}{hash}", page_url(&server))).await;
            let picture = "document.querySelector('#lightbox[open] .stage img')";
            browser
                .wait_until(&format!("{picture}?.naturalWidth === 1"))
                .await;
            wait_for_state(browser, "Live").await;
            browser.run(&format!("{picture}.isKept = true")).await;
            report_completed(&server, n, json!([])).await;
            let count = "document.querySelector('[data-status=processing] .count').textContent";
            browser.wait_until(&format!("{count} === '0'")).await;
            assert_eq!(browser.evaluate(&format!("{picture}?.isKept")).await, true);
            assert_eq!(browser.evaluate(HASH).await, hash);
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn filters_searches_and_views_are_steps_of_the_history() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=3, "failed").await;
        open_with(browser, &server, 3).await;
        browser.run("window.isTheSamePage = true").await;
        browser.click(".filters [data-status=failed]").await;
        wait_for_hash(browser, "#status=failed").await;
        // What is shown already is no step.
        let steps = browser.evaluate("history.length").await;
        browser.click(".filters [data-status=failed]").await;
        browser.click("[data-view='']").await;
        assert_eq!(browser.evaluate("history.length").await, steps);
        browser
            .run("document.querySelector('#search input').focus()")
            .await;
        browser
            .find("#search input")
            .await
            .send_keys("7c9e")
            .await
            .unwrap();
        browser.press(Key::Enter).await;
        wait_for_hash(browser, "#status=failed&search=7c9e").await;
        browser.click("[data-view=gallery]").await;
        wait_for_hash(browser, "#view=gallery&status=failed&search=7c9e").await;
        browser.find("#gallery:not([hidden])").await;
        browser.client.back().await.unwrap();
        browser.find("#gallery[hidden]").await;
        browser.client.back().await.unwrap();
        wait_for_hash(browser, "#status=failed").await;
        let search = "document.querySelector('#search input').value";
        assert_eq!(browser.evaluate(search).await, "");
        browser.client.back().await.unwrap();
        browser
            .wait_until(
                "document.querySelector('.filters [data-status=\"\"]').ariaPressed === 'true'",
            )
            .await;

        browser.click("[data-view=gallery]").await;
        browser.find("#gallery:not([hidden])").await;
        browser.click("[data-view='']").await;
        browser.find("#gallery[hidden]").await;
        assert_eq!(browser.evaluate("location.href").await, page_url(&server));
        // No step loads the page again.
        assert_eq!(browser.evaluate("window.isTheSamePage").await, true);
        browser.assert_no_console_errors().await;
    })
    .await;
}
