//! The states of the page, in each of which axe-core has to find nothing.

use serde_json::{Value, json};

use super::{NEWEST, assert_accessible, server_with_runs, until_listed};
use crate::{
    browser::Browser,
    harness::{Process, Server, WEBHOOK, read, run_id, update},
    page::{image, open_run, page_url, report, report_all, report_completed, storage},
};

/// A picture, another that is gone, a video, texts of which one scrolls, a sound and a file.
async fn outputs() -> Value {
    let storage = storage().await;
    let file = |name: &str| image(storage, name);
    let images = ["a.png", "gone.png", "pending.mp4"].map(file);
    json!([
        { "id": "1", "data": { "images": images } },
        { "id": "2", "data": { "text": ["a castle", "many words ".repeat(1_000)] } },
        { "id": "3", "data": { "audio": [file("speech.mp3")], "mesh": [file("castle.glb")] } },
    ])
}

/// Opens the newest run, and waits for its picture.
async fn open_with_pictures(browser: &Browser) {
    open_run(browser, NEWEST).await;
    browser
        .wait_until("document.querySelector('.panel img')?.naturalWidth === 1")
        .await;
}

#[tokio::test]
async fn the_empty_page_is_accessible() {
    let server = Server::start().await;
    assert_accessible(&page_url(&server), async |browser| {
        browser
            .wait_until("!document.querySelector('#welcome').hidden")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_list_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), until_listed).await;
}

#[tokio::test]
async fn a_list_of_thousands_of_runs_is_accessible() {
    let server = server_with_runs().await;
    report_all(&server, NEWEST..=3_500, "completed").await;
    assert_accessible(&page_url(&server), async |browser| {
        until_listed(browser).await;
        browser.run("scrollTo(0, 50_000)").await;
        browser
            .wait_until("document.querySelector('.run').ariaPosInSet > 100")
            .await;
    })
    .await;
}

#[tokio::test]
async fn new_runs_that_wait_above_the_list_are_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), async |browser| {
        until_listed(browser).await;
        browser
            .run("document.querySelector('.run a').focus()")
            .await;
        report(&server, NEWEST, "queued", 0.0, json!([])).await;
        browser
            .wait_until("!document.querySelector('#new').hidden")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_search_and_a_filter_are_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#status=processing&search=user:42", page_url(&server));
    assert_accessible(&url, async |browser| {
        until_listed(browser).await;
        assert_eq!(
            browser
                .evaluate("document.querySelectorAll('.run').length")
                .await,
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_search_without_results_is_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#search=user:43", page_url(&server));
    assert_accessible(&url, async |browser| {
        browser
            .wait_until("!document.querySelector('#none').hidden")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_connect_section_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), async |browser| {
        until_listed(browser).await;
        browser.click("#connect-button").await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_with_outputs_is_accessible() {
    let server = server_with_runs().await;
    report_completed(&server, NEWEST, outputs().await).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_with_pictures(browser).await;
        browser.click(".raw summary").await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_that_failed_is_accessible() {
    let server = server_with_runs().await;
    let error: Value = serde_json::from_str(&read("src/simulate/execution_error.json")).unwrap();
    report(&server, NEWEST, "failed", 45.0, json!([{ "data": error }])).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_run(browser, NEWEST).await;
        let open_all =
            "for (const part of document.querySelectorAll('.panel details')) part.open = true";
        browser.run(open_all).await;
    })
    .await;
}

#[tokio::test]
async fn an_open_run_above_the_list_is_accessible() {
    let server = server_with_runs().await;
    let url = format!("{}#status=failed&run={}", page_url(&server), run_id(1));
    assert_accessible(&url, async |browser| {
        browser.find("#pinned .panel").await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_full_size_is_accessible() {
    let server = Server::start().await;
    report_completed(&server, NEWEST, outputs().await).await;
    assert_accessible(&page_url(&server), async |browser| {
        open_with_pictures(browser).await;
        browser.click(".tile img").await;
        browser
            .wait_until("document.querySelector('dialog[open] img')?.naturalWidth === 1")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_gallery_is_accessible() {
    let server = server_with_runs().await;
    report_completed(&server, NEWEST, outputs().await).await;
    let url = format!("{}#view=gallery", page_url(&server));
    assert_accessible(&url, async |browser| {
        browser
            .wait_until("document.querySelector('#gallery img')?.naturalWidth === 1")
            .await;
    })
    .await;
}

#[tokio::test]
async fn polling_instead_of_a_stream_is_accessible() {
    let server = Server::with_flags(&["--max-subscribers", "1"]).await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    let _stream = server.get("/api/events").await;
    assert_accessible(&page_url(&server), async |browser| {
        browser
            .wait_until("document.querySelector('#state').dataset.state === 'poll'")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_accessible() {
    let server = server_with_runs().await;
    assert_accessible(&page_url(&server), async move |browser| {
        until_listed(browser).await;
        server.stop().await;
        browser
            .wait_until("document.querySelector('#state').dataset.state === 'lost'")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_of_the_service_is_accessible() {
    let mut process = Process::serve(&[]);
    assert_accessible(&process.url("/"), async |browser| {
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        process.stop();
        let address = process.address.to_string();
        process = Process::start(Process::command(&["--listen", &address]));
        assert_eq!(
            process.post(WEBHOOK, update(1, "queued")).await.status(),
            200
        );
        browser
            .wait_until("!document.querySelector('#restarted').hidden")
            .await;
    })
    .await;
}
