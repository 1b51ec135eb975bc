//! Where, with what and by whom the page is used.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::IntoResponse,
};
use fantoccini::key::Key;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::json;

use super::{image, open_run, page, report, row, serve, storage};
use crate::{
    browser::Browser,
    harness::{Server, WEBHOOK, is_installed},
};

/// Passes on what comes under a prefix, without the prefix.
async fn proxy(State(behind): State<SocketAddr>, mut request: Request) -> impl IntoResponse {
    let target = request.uri().to_string();
    let Some(path) = target.strip_prefix("/tools/runs") else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    *request.uri_mut() = format!("http://{behind}{path}").parse().unwrap();
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    response.map(Body::new).into_response()
}

/// A service with one run that is under way, which the page shows.
async fn shows_one_run(browser: &Browser) -> Server {
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    browser.open(&page(&server)).await;
    browser.find(".run").await;
    server
}

#[tokio::test]
async fn the_line_on_the_empty_page_makes_the_first_run_appear() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    if !is_installed("curl") {
        return;
    }
    let server = Server::with_tokens("s3cret", "", &[]).await;
    browser.open(&page(&server)).await;
    browser
        .until("!document.querySelector('#welcome').hidden")
        .await;
    let address = server.address;
    let url = browser.find("#webhook").await.text().await.unwrap();
    assert_eq!(url, format!("http://hook:TOKEN@{address}{WEBHOOK}"));

    let line = browser.find("#curl").await.text().await.unwrap();
    assert!(line.contains("Bearer $WEBHOOK_TOKEN"), "{line}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &line])
        .env("WEBHOOK_TOKEN", "s3cret")
        .stderr(Stdio::null());
    assert!(
        tokio::task::spawn_blocking(move || shell.status().unwrap())
            .await
            .unwrap()
            .success()
    );
    browser
        .until("document.querySelector('.percent')?.textContent === '45%'")
        .await;
    browser.assert_content().await;
}

#[tokio::test]
async fn what_is_to_be_pasted_is_copied_also_where_the_page_may_not_use_the_clipboard() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let _server = shows_one_run(&browser).await;
    browser.click("#connect-button").await;
    browser.click("[data-copies=webhook]").await;
    browser
        .until("document.querySelector('[data-copies=webhook]').textContent === 'Copied'")
        .await;
    browser
        .run("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        .await;
    browser.click("[data-copies=curl]").await;
    browser
        .until("document.querySelector('[data-copies=curl]').textContent === 'Copied'")
        .await;
    browser.assert_content().await;
}

#[tokio::test]
async fn it_works_under_the_path_of_a_proxy_and_behind_a_token_for_reading() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::with_tokens("", "re&d%er?", &[]).await;
    report(&server, 1, "failed", 45.0, json!([])).await;
    let proxy = serve(Router::new().fallback(proxy).with_state(server.address)).await;
    let base = format!("http://{proxy}/tools/runs/");
    browser.open(&format!("{base}?token=re%26d%25er%3F")).await;
    browser.until(&format!("{} !== null", row(1))).await;
    browser
        .until("document.querySelector('#state').innerText === 'Live'")
        .await;
    browser.click(".filters [data-status=failed]").await;
    report(&server, 2, "failed", 45.0, json!([])).await;
    browser.until(&format!("{} !== null", row(2))).await;

    let url = browser
        .value("document.querySelector('#webhook').textContent")
        .await;
    assert_eq!(url, format!("{base}{}", WEBHOOK.trim_start_matches('/')));
    let list = "fetch(document.querySelector('[data-path=\"api/runs\"]').href).then(({ status }) => window.listed = status)";
    browser.run(list).await;
    browser.until("window.listed === 200").await;

    // As the browser has it that was asked for the token.
    let address = server.address;
    browser
        .open(&format!("http://reader:re%26d%25er%3F@{address}/"))
        .await;
    browser.until(&format!("{} !== null", row(2))).await;
    let url = browser
        .value("document.querySelector('#webhook').textContent")
        .await;
    assert_eq!(url, format!("http://{address}{WEBHOOK}"));
    browser.assert_content().await;
}

#[tokio::test]
async fn the_keyboard_opens_a_run() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let _server = shows_one_run(&browser).await;
    browser
        .run("document.querySelector('.filters button:last-child').focus()")
        .await;
    browser.press(Key::Tab).await;
    assert_eq!(
        browser.value("document.activeElement.tagName").await,
        "SUMMARY"
    );
    browser.press(Key::Enter).await;
    browser.find(".run .panel").await;
    browser.press(Key::Enter).await;
    browser
        .until("document.querySelector('.panel') === null")
        .await;
    browser.assert_content().await;
}

#[tokio::test]
async fn on_a_phone_nothing_is_wider_than_the_screen() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let long = "w".repeat(500);
    let images = ["a.png", &format!("{long}.png")].map(|file| image(storage, file));
    let wide = "document.documentElement.scrollWidth - 360";
    browser.become_a_phone().await;
    browser.open(&page(&server)).await;
    browser
        .until("!document.querySelector('#welcome').hidden")
        .await;
    assert_eq!(browser.value(wide).await, 0);

    browser.client.set_window_size(500, 800).await.unwrap();
    // A window of the desktop is no narrower than that, so the page is put into a frame that is.
    browser
        .run("document.documentElement.style.width = '360px'")
        .await;
    report(
        &server,
        1,
        "processing",
        45.0,
        json!([{ "data": { "images": images, "text": [long] } }]),
    )
    .await;
    open_run(&browser, 1).await;
    browser.click("#connect-button").await;
    browser.click(".raw summary").await;
    assert_eq!(browser.value("innerWidth").await, 360);
    assert_eq!(browser.value(wide).await, 0);
    browser.assert_content().await;
}
