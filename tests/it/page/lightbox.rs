//! Pictures in full size.

use std::net::SocketAddr;

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{page_url, storage};
use crate::{
    browser::{Browser, with_browser},
    harness::Server,
};

/// Opens a page without runs, which counts the calls of the dialog.
async fn open_page(browser: &Browser) -> Server {
    let server = Server::start().await;
    browser.open(&page_url(&server)).await;
    let script = "
        window.steps = [];
        window.closings = 0;
        window.lightbox = new Lightbox(byId('lightbox'), {
          onStep: (index) => steps.push(index), onClose: () => closings += 1,
        });";
    browser.run(script).await;
    server
}

/// Pictures with these files, as JavaScript.
fn pictures(storage: SocketAddr, files: &[&str]) -> Value {
    let pictures = files.iter().map(|file| {
        let (url, name) = (format!("http://{storage}/{file}"), file.split('?').next());
        let item =
            json!({ "kind": "image", "key": name, "name": name, "url": url, "original": url });
        json!({ "item": item, "label": "" })
    });
    pictures.collect()
}

const LOADED: &str = "document.querySelector('.stage img')?.naturalWidth === 1";
const IS_OPEN: &str = "document.querySelector('#lightbox').open";
const BAR: &str = "document.querySelector('#lightbox output').textContent";

#[tokio::test]
async fn the_arrow_keys_step_and_a_person_closes_it() {
    with_browser(async |browser| {
        let (_server, storage) = (open_page(browser).await, storage().await);
        let pictures = pictures(storage, &["a.png", "b.png", "c.png"]);
        browser.run(&format!("lightbox.show({pictures}, 1)")).await;
        browser.wait_until(LOADED).await;
        assert_eq!(browser.evaluate(BAR).await, "b.png (2 of 3)");
        for key in [Key::Right, Key::Right, Key::Left] {
            browser.press(key).await;
        }
        assert_eq!(browser.evaluate("steps").await, json!([2, 0, 2]));
        browser.press(Key::Escape).await;
        browser.wait_until("closings === 1").await;
        assert_eq!(browser.evaluate(IS_OPEN).await, false);

        browser.run(&format!("lightbox.show({pictures}, 0)")).await;
        browser.click("[data-close]").await;
        browser.wait_until("closings === 2").await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_page_closes_it_without_a_call() {
    with_browser(async |browser| {
        let (_server, storage) = (open_page(browser).await, storage().await);
        let pictures = pictures(storage, &["a.png"]);
        // The event of the first closing comes when it is open again.
        let script = format!(
            "lightbox.show({pictures}, 0);
             lightbox.hide();
             lightbox.show({pictures}, 0);"
        );
        browser.run(&script).await;
        browser.wait_until(LOADED).await;
        browser.run("lightbox.hide()").await;
        browser
            .wait_until("document.querySelector('.stage').children.length === 0")
            .await;
        assert_eq!(browser.evaluate("closings").await, 0);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn an_update_replaces_a_broken_picture_and_keeps_a_loaded_one() {
    with_browser(async |browser| {
        let (_server, storage) = (open_page(browser).await, storage().await);
        let expired = "old.png?X-Amz-Date=20260301T130000Z&X-Amz-Expires=60";
        let fresh = "old.png?X-Amz-Date=20990301T130000Z&X-Amz-Expires=60";
        let before = pictures(storage, &[expired]);
        browser.run(&format!("lightbox.show({before}, 0)")).await;
        browser
            .wait_until("document.querySelector('.stage strong')?.textContent === 'Expired'")
            .await;
        let after = pictures(storage, &[fresh]);
        browser.run(&format!("lightbox.update({after})")).await;
        browser.wait_until(LOADED).await;

        // One before it, and another signature.
        browser
            .run("document.querySelector('.stage img').isKept = true")
            .await;
        let again = "old.png?X-Amz-Date=20990302T130000Z&X-Amz-Expires=60";
        let later = pictures(storage, &["new.png", again]);
        browser.run(&format!("lightbox.update({later})")).await;
        let is_kept = "document.querySelector('.stage img').isKept";
        assert_eq!(browser.evaluate(is_kept).await, true);
        assert_eq!(browser.evaluate(BAR).await, "old.png (2 of 2)");
        assert_eq!(browser.evaluate("steps").await, json!([1]));
        for part in ["open", "download"] {
            let href = format!("document.querySelector('[data-part={part}]').href");
            assert_eq!(
                browser.evaluate(&href).await,
                format!("http://{storage}/{again}"),
                "{part}"
            );
        }
        browser.run("lightbox.update([])").await;
        browser.wait_until("closings === 1").await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_in_a_data_url_can_be_downloaded_but_not_opened() {
    with_browser(async |browser| {
        let _server = open_page(browser).await;
        let url = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
        let item =
            json!({ "kind": "image", "key": "a", "name": "a.gif", "url": url, "original": "" });
        let pictures = json!([{ "item": item, "label": "run 1" }]);
        browser.run(&format!("lightbox.show({pictures}, 0)")).await;
        assert_eq!(browser.evaluate(BAR).await, "a.gif · run 1");
        let hidden = "['open', 'download', 'copy'].map((part) =>
            document.querySelector(`[data-part=${part}]`).hidden)";
        assert_eq!(browser.evaluate(hidden).await, json!([true, false, true]));
        let download = browser.find("[data-part=download]").await;
        assert_eq!(download.attr("href").await.unwrap().unwrap(), url);
        assert_eq!(download.attr("download").await.unwrap().unwrap(), "a.gif");
    })
    .await;
}
