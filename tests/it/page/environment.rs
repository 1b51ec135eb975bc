//! The page under a proxy path, with tokens, on a phone, and with the keyboard alone.

use std::net::SocketAddr;

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

use super::{image, open_run, page_url, report, row, serve, storage};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, WEBHOOK},
};

/// Forwards requests under a prefix, without the prefix.
async fn proxy(State(upstream): State<SocketAddr>, mut request: Request) -> impl IntoResponse {
    let target = request.uri().to_string();
    let Some(path) = target.strip_prefix("/tools/runs") else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    *request.uri_mut() = format!("http://{upstream}{path}").parse().unwrap();
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    response.map(Body::new).into_response()
}

/// Opens the page of a service that has one run.
async fn open_with_one_run(browser: &Browser) -> Server {
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    browser.open(&page_url(&server)).await;
    browser.find(".run").await;
    server
}

#[tokio::test]
async fn it_works_under_a_proxy_path_and_with_a_read_token() {
    with_browser(async |browser| {
        let server = Server::with_tokens("", "re&d%+er?", &[]).await;
        report(&server, 1, "failed", 45.0, json!([])).await;
        let proxy = serve(Router::new().fallback(proxy).with_state(server.address)).await;
        let base = format!("http://{proxy}/tools/runs/");
        browser.open(&format!("{base}?token=re%26d%25+er%3F")).await;
        browser.wait_until(&format!("{} !== null", row(1))).await;
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        browser.click(".filters [data-status=failed]").await;
        report(&server, 2, "failed", 45.0, json!([])).await;
        browser.wait_until(&format!("{} !== null", row(2))).await;

        let command = "document.querySelector('#curl').textContent";
        let shown = browser.evaluate(command).await;
        let url = format!("'{base}{}'", WEBHOOK.trim_start_matches('/'));
        assert!(shown.as_str().unwrap().contains(&url), "{shown}");
        let list = "fetch(document.querySelector('[data-path=\"api/runs\"]').href)
        .then(({ status }) => window.listStatus = status)";
        browser.run(list).await;
        browser.wait_until("window.listStatus === 200").await;

        // As a browser sends it that prompted for the token.
        let address = server.address;
        browser
            .open(&format!("http://reader:re%26d%25+er%3F@{address}/"))
            .await;
        browser.wait_until(&format!("{} !== null", row(2))).await;
        let shown = browser.evaluate(command).await;
        let url = format!("'http://{address}{WEBHOOK}'");
        assert!(shown.as_str().unwrap().contains(&url), "{shown}");
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_opens_a_run() {
    with_browser(async |browser| {
        let _server = open_with_one_run(browser).await;
        browser
            .run("document.querySelector('.filters button:last-child').focus()")
            .await;
        browser.press(Key::Tab).await;
        assert_eq!(
            browser.evaluate("document.activeElement.tagName").await,
            "SUMMARY"
        );
        browser.press(Key::Enter).await;
        browser.find(".run .panel").await;
        browser.press(Key::Enter).await;
        browser
            .wait_until("document.querySelector('.panel') === null")
            .await;
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn on_a_phone_nothing_is_wider_than_the_screen() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let long = "w".repeat(500);
        let images = ["a.png", &format!("{long}.png")].map(|file| image(storage, file));
        let wide = "document.documentElement.scrollWidth - 360";
        browser.emulate_phone().await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("!document.querySelector('#welcome').hidden")
            .await;
        assert_eq!(browser.evaluate(wide).await, 0);

        report(
            &server,
            1,
            "processing",
            45.0,
            json!([{ "data": { "images": images, "text": [long] } }]),
        )
        .await;
        open_run(browser, 1).await;
        browser.click("#connect-button").await;
        browser.click(".raw summary").await;
        assert_eq!(browser.evaluate("innerWidth").await, 360);
        assert_eq!(browser.evaluate(wide).await, 0);
        browser.assert_no_console_errors().await;
    })
    .await;
}
