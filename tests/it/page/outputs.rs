//! What the page shows of what came of a run.

use fantoccini::key::Key;
use serde_json::json;

use super::{completed, image, open_run, page, report, storage};
use crate::{browser::Browser, harness::Server};

#[tokio::test]
async fn pictures_are_small_in_the_row_and_open_in_full_size() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let images = ["a.png", "b.png", "c.png", "d.png", "e.png"].map(|file| image(storage, file));
    completed(
        &server,
        1,
        json!([{ "id": "1", "data": { "images": images, "text": ["a castle"] } }]),
    )
    .await;
    browser.open(&page(&server)).await;
    let loaded =
        "[...document.querySelectorAll('.thumb')].filter(thumb => thumb.naturalWidth > 0).length";
    browser.until(&format!("{loaded} === 4")).await;
    assert_eq!(
        browser
            .value("document.querySelector('.more-count').innerText")
            .await,
        "+2"
    );

    open_run(&browser, 1).await;
    browser
        .until("document.querySelectorAll('.tile img').length === 5")
        .await;
    assert_eq!(
        browser.find("figure.text pre").await.text().await.unwrap(),
        "a castle"
    );
    browser.click(".tile button").await;
    browser
        .until("document.querySelector('dialog[open] .stage img')?.naturalWidth === 1")
        .await;
    let original = browser.find("dialog a").await;
    assert_eq!(
        original.prop("href").await.unwrap().unwrap(),
        format!("http://{storage}/a.png")
    );
    assert_eq!(
        original.attr("rel").await.unwrap().unwrap(),
        "noopener noreferrer"
    );
    browser.press(Key::Left).await;
    browser
        .until("document.querySelector('dialog img').alt === 'e.png'")
        .await;
    browser.press(Key::Escape).await;
    browser
        .until("!document.querySelector('dialog').open")
        .await;
    browser.assert_content().await;
}

#[tokio::test]
async fn what_cannot_be_loaded_says_so_until_a_fresh_url_comes() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let output = |date: &str| {
        let private = format!("private.png?X-Amz-Date={date}&X-Amz-Expires=3600");
        json!([
            { "id": "1", "updated_at": date, "data": { "images": [image(storage, &private)] } },
            { "id": "2", "data": { "images": [image(storage, "gone.png")] } }
        ])
    };
    completed(&server, 1, output("20260301T130000Z")).await;
    browser.open(&page(&server)).await;
    open_run(&browser, 1).await;
    let notes =
        "[...document.querySelectorAll('.broken-tile strong')].map(note => note.innerText).join()";
    browser
        .until(&format!("{notes} === 'Expired,Not available'"))
        .await;
    browser
        .until("document.querySelectorAll('.thumb.broken').length === 2")
        .await;

    completed(&server, 1, output("20990301T130000Z")).await;
    browser
        .until("document.querySelector('.tile img')?.naturalWidth === 1")
        .await;
    browser
        .until("document.querySelector('img.thumb')?.naturalWidth === 1")
        .await;
    assert_eq!(browser.value(notes).await, "Not available");
    // That is all there is to complain of.
    for complaint in browser.complaints().await {
        let is_known = complaint.contains("gone.png") || complaint.contains("20260301");
        assert!(is_known, "{complaint}");
    }
}

#[tokio::test]
async fn an_update_leaves_what_is_open_as_it_is() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let output = |n: usize, file: &str| json!({ "id": n.to_string(), "data": { "images": [image(storage, file)] } });
    report(
        &server,
        1,
        "processing",
        45.0,
        json!([output(2, "b.png?X-Amz-Signature=1")]),
    )
    .await;
    browser.open(&page(&server)).await;
    open_run(&browser, 1).await;
    browser
        .until("document.querySelector('.tile img')?.naturalWidth === 1")
        .await;
    browser
        .run(
            "document.querySelector('.tile').isOld = document.querySelector('.thumb').isOld = true",
        )
        .await;
    // One more before it, and the same again with a fresh signature.
    let outputs = json!([output(1, "a.png"), output(2, "b.png?X-Amz-Signature=2")]);
    completed(&server, 1, outputs).await;
    browser
        .until("document.querySelectorAll('.tile').length === 2")
        .await;
    for part in ["tile", "thumb"] {
        let old = format!(
            "[...document.querySelectorAll('.{part}')].map(({{ isOld }}) => isOld ?? false)"
        );
        assert_eq!(browser.value(&old).await, json!([false, true]), "{part}");
    }
    browser.assert_content().await;
}
