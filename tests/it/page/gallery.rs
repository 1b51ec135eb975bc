//! The newest pictures of all runs.

use std::net::SocketAddr;

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{emulation::move_pointer, image, page_url, report, storage, wait_for_state};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, run_id},
    sse::Stream,
};

const SHOWN: &str = "[...document.querySelectorAll('.pictures img')].map(({ alt }) => alt)";

fn outputs(storage: SocketAddr, files: &[String]) -> Value {
    let images: Vec<_> = files.iter().map(|file| image(storage, file)).collect();
    json!([{ "id": "1", "data": { "images": images } }])
}

async fn report_pictures(server: &Server, storage: SocketAddr, n: usize, count: usize) {
    let files: Vec<_> = (0..count).map(|i| format!("{n}-{i}.png")).collect();
    report(server, n, "completed", 100.0, outputs(storage, &files)).await;
}

async fn open_gallery(browser: &Browser, server: &Server) {
    move_pointer(browser, 1, 1).await;
    browser
        .open(&format!("{}#view=gallery", page_url(server)))
        .await;
    wait_for_state(browser, "Live").await;
    browser.find("#gallery img").await;
}

async fn wait_for_shown(browser: &Browser, shown: &[&str]) {
    browser
        .wait_until(&format!("{SHOWN}.join() === '{}'", shown.join(",")))
        .await;
}

#[tokio::test]
async fn it_has_the_pictures_of_all_runs_and_goes_from_one_to_the_next() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        report_pictures(&server, storage, 1, 2).await;
        report(&server, 2, "processing", 10.0, json!([])).await;
        report_pictures(&server, storage, 3, 2).await;
        open_gallery(browser, &server).await;
        wait_for_shown(browser, &["3-0.png", "3-1.png", "1-0.png", "1-1.png"]).await;
        browser.click(".pictures > :nth-child(2) .opener").await;
        let bar = "document.querySelector('#lightbox[open] output').textContent";
        assert_eq!(
            browser.evaluate(bar).await,
            format!("3-1.png (2 of 4) · Run {}", &run_id(3)[..8])
        );
        browser.press(Key::Right).await;
        browser
            .wait_until(&format!(
                "location.hash === '#view=gallery&picture={}/1'",
                run_id(1)
            ))
            .await;
        browser.press(Key::Escape).await;
        browser
            .wait_until("location.hash === '#view=gallery'")
            .await;
        // The focus is back at the picture, as long as the keyboard is at work there.
        browser.run("document.activeElement.blur()").await;

        move_pointer(browser, 1, 1).await;
        report(
            &server,
            2,
            "failed",
            10.0,
            outputs(storage, &["2-0.png".into()]),
        )
        .await;
        wait_for_shown(
            browser,
            &["3-0.png", "3-1.png", "2-0.png", "1-0.png", "1-1.png"],
        )
        .await;
        browser.click(".filters [data-status=failed]").await;
        wait_for_shown(browser, &["2-0.png"]).await;
        // Its link opens the run in the list.
        browser.click(".pictures figcaption a").await;
        browser
            .find(&format!("[data-run='{}'] .panel", run_id(2)))
            .await;
        browser.find("#gallery[hidden]").await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn it_shows_more_on_demand_and_holds_still_under_the_pointer() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        for n in 1..=4 {
            report_pictures(&server, storage, n, 50).await;
        }
        open_gallery(browser, &server).await;
        let count = format!("{SHOWN}.length");
        browser.wait_until(&format!("{count} === 120")).await;
        browser.click("#gallery .more").await;
        browser.wait_until(&format!("{count} === 200")).await;
        browser.find("#gallery .more[hidden]").await;

        browser.run("scrollTo(0, 0)").await;
        move_pointer(browser, 400, 400).await;
        let first = browser.evaluate(&format!("{SHOWN}[0]")).await;
        report_pictures(&server, storage, 5, 3).await;
        let new = "document.querySelector('#new')";
        browser
            .wait_until(&format!(
                "!{new}.hidden && {new}.innerText === '3 new pictures'"
            ))
            .await;
        assert_eq!(browser.evaluate(&format!("{SHOWN}[0]")).await, first);
        move_pointer(browser, 1, 1).await;
        browser
            .wait_until(&format!("{SHOWN}[0] === '5-0.png' && {new}.hidden"))
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn newer_pictures_wait_while_one_is_shown_in_full_size() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        for n in 1..=3 {
            report_pictures(&server, storage, n, 50).await;
        }
        open_gallery(browser, &server).await;
        browser.click(".pictures > :nth-child(120) .opener").await;
        let shown = "document.querySelector('#lightbox[open] .stage img').alt";
        let name = browser.evaluate(shown).await;
        assert_eq!(name, "1-19.png");
        move_pointer(browser, 1, 1).await;
        browser.run("scrollTo(0, 0)").await;
        report_pictures(&server, storage, 4, 3).await;
        browser
            .wait_until("document.querySelector('#new').textContent === '3 new pictures'")
            .await;
        assert_eq!(browser.evaluate(shown).await, name);
        let address = format!("#view=gallery&picture={}/20", run_id(1));
        assert_eq!(browser.evaluate("location.hash").await, address);
        browser.press(Key::Escape).await;
        browser
            .wait_until("!document.querySelector('#lightbox').open")
            .await;
        browser.click("#new").await;
        browser
            .wait_until(&format!("{SHOWN}[0] === '4-0.png'"))
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_picture_that_is_signed_again_keeps_the_link_to_its_run() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        for day in ["20990301", "20990302"] {
            let file = format!("a.png?X-Amz-Date={day}T130000Z&X-Amz-Expires=60");
            report(&server, 1, "completed", 100.0, outputs(storage, &[file])).await;
            if day == "20990301" {
                open_gallery(browser, &server).await;
            }
        }
        let links = "[...document.querySelectorAll('.pictures a')].map((link) => link.getAttribute('href'))";
        browser
            .wait_until(&format!("{links}[0].includes('20990302')"))
            .await;
        let run = format!("#run={}", run_id(1));
        assert_eq!(
            browser.evaluate(&format!("{links}.includes('{run}')")).await,
            true
        );
    })
    .await;
}

#[tokio::test]
async fn older_pictures_come_below_while_the_viewer_is_in_the_gallery() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-subscribers", "1"]).await;
        let (_other, storage) = (Stream::open(&server, "/api/events").await, storage().await);
        for n in 1..=10 {
            report_pictures(&server, storage, n, 1).await;
        }
        super::report_all(&server, 100..=290, "processing").await;
        report_pictures(&server, storage, 300, 1).await;
        move_pointer(browser, 1, 1).await;
        // The mouse is in the gallery when the first pictures come.
        let script = "
            const look = () => {
              const gallery = document.querySelector('#gallery:not([hidden]) img');
              if (!gallery) return requestAnimationFrame(look);
              document.querySelector('#gallery').dispatchEvent(new PointerEvent('pointerenter', { pointerType: 'mouse' }));
            };
            look();";
        super::emulation::before_scripts(browser, script).await;
        browser
            .open(&format!("{}#view=gallery", page_url(&server)))
            .await;
        browser.wait_until(&format!("{SHOWN}.length === 1")).await;
        // As few runs have a picture, older ones come only when the viewer asks for them.
        browser.click("#older").await;
        browser.wait_until(&format!("{SHOWN}.length === 11")).await;
        assert_eq!(browser.evaluate("document.querySelector('#new').hidden").await, true);
    })
    .await;
}
