//! What an open run shows beside its pictures, and what its links and buttons do.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PICTURE, image, open_run, page_url, report_completed, storage};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, run_id},
};

/// The text of the fact with a label; null if it is hidden.
async fn fact(browser: &Browser, label: &str) -> Value {
    let expression = format!(
        "[...document.querySelectorAll('.facts > div:not([hidden])')]
            .find((fact) => fact.querySelector('dt').innerText === '{label}')?.querySelector('dd').innerText ?? null"
    );
    browser.evaluate(&expression).await
}

async fn update(server: &Server, body: Value) {
    let request = server.webhook(Method::POST, body.to_string());
    let response = request.query(&[("user", "42"), ("project", "winter")]);
    assert_eq!(response.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_facts_of_a_run_have_labels_and_its_times_count() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let body = json!({
            "event_type": "run.updated", "run_id": run_id(1), "status": "uploading", "progress": 0.9, "live_status": "Uploading"
        });
        update(&server, body).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        assert_eq!(fact(browser, "Platform status").await, "uploading");
        assert_eq!(fact(browser, "Live status").await, "Uploading");
        assert_eq!(fact(browser, "Time in the queue").await, Value::Null);
        let labels = "[...document.querySelectorAll('.panel .label')].map(({ innerText }) => innerText)";
        assert_eq!(browser.evaluate(labels).await, json!(["project:winter", "user:42"]));
        let time = "[...document.querySelectorAll('.facts dt')]
            .find(({ innerText }) => innerText === 'Running time').nextSibling.innerText";
        let counted = format!("/^[1-9]\\d* s$/.test({time})");
        browser.wait_until(&counted).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_click_on_a_picture_shows_it_unless_a_key_asks_for_a_tab() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let images = ["a.png", "b.png"].map(|file| image(storage, file));
        report_completed(
            &server,
            1,
            json!([{ "id": "1", "data": { "images": images } }]),
        )
        .await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let script = "
            window.tabs = [];
            window.open = (...all) => tabs.push(all.join());
            window.click = (element, init) => {
                let isLeft = false;
                document.addEventListener('click', (event) => {
                    isLeft = !event.defaultPrevented;
                    event.preventDefault();
                }, { once: true });
                const bubbles = { bubbles: true, cancelable: true };
                element.dispatchEvent(new MouseEvent('click', { ...bubbles, ...init }));
                return [isLeft, document.querySelector('dialog').open];
            };";
        browser.run(script).await;
        let opener = "document.querySelectorAll('.tile .opener')[1]";
        for key in ["ctrlKey", "metaKey", "shiftKey"] {
            let click = format!("click({opener}, {{ {key}: true }})");
            assert_eq!(
                browser.evaluate(&click).await,
                json!([true, false]),
                "{key}"
            );
        }
        let link = format!("[{opener}.href, {opener}.target, {opener}.rel].join(' ')");
        let url = format!("http://{storage}/b.png");
        assert_eq!(
            browser.evaluate(&link).await,
            format!("{url} _blank noopener noreferrer")
        );

        let thumbnail = "document.querySelectorAll('.thumb')[1]";
        browser
            .run(&format!("click({thumbnail}, {{ ctrlKey: true }})"))
            .await;
        browser
            .run(&format!(
                "{thumbnail}.dispatchEvent(new MouseEvent('auxclick', {{ button: 1 }}))"
            ))
            .await;
        let tab = format!("{url},_blank,noopener,noreferrer");
        assert_eq!(browser.evaluate("tabs").await, json!([tab, tab]));

        browser.run(&format!("{opener}.click()")).await;
        browser
            .wait_until("document.querySelector('dialog[open] .stage img')?.alt === 'b.png'")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_file_has_its_name_and_links_and_its_url_can_be_copied() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let data = json!({ "images": [image(storage, "layers.psd")] });
        report_completed(&server, 1, json!([{ "id": "1", "data": data }])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let parts = "[...document.querySelectorAll('.file .action')].map((action) =>
            [action.innerText, action.ariaLabel ?? '', action.download ?? ''])";
        let expected = json!([
            ["Open", "Open layers.psd", ""],
            ["Download", "Download layers.psd", "layers.psd"],
            ["Copy URL", "Copy URL of layers.psd", ""]
        ]);
        assert_eq!(browser.evaluate(parts).await, expected);
        // As on plain http.
        browser
            .run("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
            .await;
        browser
            .run("document.addEventListener('copy', () => window.copied = String(getSelection()))")
            .await;
        browser.click(".file button").await;
        browser
            .wait_until("document.querySelector('.file button').innerText === 'Copied'")
            .await;
        assert_eq!(
            browser.evaluate("copied").await,
            format!("http://{storage}/layers.psd")
        );
        browser
            .wait_until("document.querySelector('.file button').innerText === 'Copy URL'")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_a_data_url_is_shown_but_not_opened_in_a_tab() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let url = format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(&*PICTURE)
        );
        let data = json!({ "images": [{ "url": url, "filename": "a.png" }] });
        report_completed(&server, 1, json!([{ "id": "1", "data": data }])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let links =
            "[...document.querySelectorAll('.tile a')].map((link) => [link.innerText, link.href])";
        assert_eq!(browser.evaluate(links).await, json!([["Download", url]]));
        browser.click(".tile button.opener").await;
        browser
            .wait_until("document.querySelector('dialog[open] .stage img')?.naturalWidth === 1")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_video_that_the_browser_cannot_play_is_not_called_gone() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let data = json!({ "gifs": [image(storage, "clip.mkv")] });
        report_completed(&server, 1, json!([{ "id": "1", "data": data }])).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let note = browser.find(".broken-tile").await;
        assert_eq!(
            note.text().await.unwrap(),
            "No preview\nThis browser may not play videos of this format."
        );
        let actions =
            "[...document.querySelectorAll('.tile .action')].map(({ innerText }) => innerText)";
        assert_eq!(
            browser.evaluate(actions).await,
            json!(["Open", "Download", "Copy URL"])
        );
    })
    .await;
}

#[tokio::test]
async fn long_texts_are_cut_and_can_be_scrolled_with_the_keyboard() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let texts = ["short", &"w".repeat(100_000)];
        report_completed(
            &server,
            1,
            json!([{ "id": "1", "data": { "text": texts } }]),
        )
        .await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let boxes = "[...document.querySelectorAll('.text pre')].map((box) =>
            [box.textContent.length, box.tabIndex, box.role])";
        assert_eq!(
            browser.evaluate(boxes).await,
            json!([[5, -1, null], [10_001, 0, "group"]])
        );
        assert_eq!(
            browser.find(".cut").await.text().await.unwrap(),
            "The first 10,000 of 100,000 characters. Copy takes the whole text."
        );
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn on_a_phone_an_open_run_is_not_wider_than_the_screen() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let long = "w".repeat(200);
        let error = json!({
            "exception_type": long, "exception_message": long, "node_type": long, "node_id": long, "traceback": long
        });
        let files = ["glb", "mp3", "png", "gone.png", "mkv"].map(|end| image(storage, &format!("{long}.{end}")));
        let outputs = json!([{ "id": "1", "data": error }, { "id": "2", "data": { &long: files } }]);
        let body = json!({
            "run_id": run_id(1), "status": "failed", "live_status": long, "outputs": outputs
        });
        let request = server.webhook(Method::POST, body.to_string());
        let response = request.query(&[("label", &long)]).send().await.unwrap();
        assert_eq!(response.status(), 200);
        browser.emulate_phone().await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser
            .wait_until("document.querySelector('.tile .broken-tile')")
            .await;
        browser.click(".failure summary").await;
        let wide = "[innerWidth, document.documentElement.scrollWidth]";
        assert_eq!(browser.evaluate(wide).await, json!([360, 360]));
        browser.run("new Lightbox(byId('lightbox'), {}).show([{ item: { kind: 'image', name: 'w'.repeat(200), key: '1', url: 'data:,',
            original: 'http://x.example/' }, label: 'w'.repeat(200) }], 0)").await;
        assert_eq!(browser.evaluate(wide).await, json!([360, 360]));
        let bar = "document.querySelector('.bar').scrollWidth <= 360";
        assert_eq!(browser.evaluate(bar).await, true);
    })
    .await;
}
