//! What the page shows of the outputs of a run.

use fantoccini::key::Key;
use serde_json::json;

use super::{image, open_run, page_url, report, report_completed, storage};
use crate::{browser::with_browser, harness::Server};

#[tokio::test]
async fn images_are_thumbnails_in_the_row_and_open_in_full_size() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let images = ["a.png", "b.png", "c.png", "d.png", "e.png"].map(|file| image(storage, file));
        report_completed(
            &server,
            1,
            json!([{ "id": "1", "data": { "images": images, "text": ["a castle"] } }]),
        )
        .await;
        browser.open(&page_url(&server)).await;
        let loaded = "[...document.querySelectorAll('.thumb')]
        .filter((thumbnail) => thumbnail.naturalWidth > 0).length";
        browser.wait_until(&format!("{loaded} === 4")).await;
        assert_eq!(
            browser
                .evaluate("document.querySelector('.more-count').innerText")
                .await,
            "+1"
        );

        open_run(browser, 1).await;
        browser
            .wait_until("document.querySelectorAll('.tile img').length === 5")
            .await;
        assert_eq!(
            browser.find("figure.text pre").await.text().await.unwrap(),
            "a castle"
        );
        browser.click(".tile .opener").await;
        browser
            .wait_until("document.querySelector('dialog[open] .stage img')?.naturalWidth === 1")
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
            .wait_until("document.querySelector('dialog img').alt === 'e.png'")
            .await;
        browser.press(Key::Escape).await;
        browser
            .wait_until("!document.querySelector('dialog').open")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_broken_image_says_why_until_a_new_url_arrives() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let output = |date: &str| {
            let private = format!("private.png?X-Amz-Date={date}&X-Amz-Expires=3600");
            json!([
                { "id": "1", "updated_at": date, "data": { "images": [image(storage, &private)] } },
                { "id": "2", "data": { "images": [image(storage, "gone.png")] } }
            ])
        };
        report_completed(&server, 1, output("20260301T130000Z")).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let titles = "[...document.querySelectorAll('.broken-tile strong')]
        .map((title) => title.innerText).join()";
        browser
            .wait_until(&format!("{titles} === 'Expired,Not available'"))
            .await;
        browser
            .wait_until("document.querySelectorAll('.thumb.broken').length === 2")
            .await;

        report_completed(&server, 1, output("20990301T130000Z")).await;
        browser
            .wait_until("document.querySelector('.tile img')?.naturalWidth === 1")
            .await;
        browser
            .wait_until("document.querySelector('img.thumb')?.naturalWidth === 1")
            .await;
        assert_eq!(browser.evaluate(titles).await, "Not available");
        for message in browser.console_messages().await {
            let is_expected = message.contains("gone.png") || message.contains("20260301");
            assert!(is_expected, "{message}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_keeps_the_elements_that_are_shown() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let output = |n: usize, file: &str| {
            let images = [image(storage, file)];
            json!({ "id": n.to_string(), "data": { "images": images } })
        };
        report(
            &server,
            1,
            "processing",
            45.0,
            json!([output(2, "b.png?X-Amz-Signature=1")]),
        )
        .await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser
            .wait_until("document.querySelector('.tile img')?.naturalWidth === 1")
            .await;
        let mark = "for (const shown of document.querySelectorAll('.tile, .thumb'))
            shown.isKept = true";
        browser.run(mark).await;
        // The second output now comes before it, and the first has a new signature.
        let outputs = json!([output(1, "a.png"), output(2, "b.png?X-Amz-Signature=2")]);
        report_completed(&server, 1, outputs).await;
        browser
            .wait_until("document.querySelectorAll('.tile').length === 2")
            .await;
        for part in ["tile", "thumb"] {
            let kept = format!(
                "[...document.querySelectorAll('.{part}')].map(({{ isKept }}) => isKept ?? false)"
            );
            assert_eq!(
                browser.evaluate(&kept).await,
                json!([false, true]),
                "{part}"
            );
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn an_expired_file_or_sound_says_so_before_a_click() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let output = |date: &str| {
            let query = format!("X-Amz-Date={date}&X-Amz-Expires=3600");
            let files = ["a.psd", "b.mp3"].map(|name| image(storage, &format!("{name}?{query}")));
            json!([{ "id": "1", "updated_at": date, "data": { "files": files } }])
        };
        report_completed(&server, 1, output("20260301T130000Z")).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let notes = "[...document.querySelectorAll('.file .expired, .audio .broken-tile')]
            .map(({ innerText }) => innerText.split(/\\s/).slice(0, 4).join(' '))";
        let expected = "Expired Its URL expired";
        assert_eq!(browser.evaluate(notes).await, json!([expected, expected]));
        let actions = "document.querySelectorAll('.others .action').length";
        assert_eq!(browser.evaluate(actions).await, 6);

        report_completed(&server, 1, output("20990301T130000Z")).await;
        browser
            .wait_until("document.querySelector('.audio audio')")
            .await;
        assert_eq!(browser.evaluate(notes).await, json!([]));
        browser.assert_no_console_errors().await;
    })
    .await;
}
