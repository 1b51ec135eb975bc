//! The page asks for the runs again and again where no stream arrives.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::json;

use super::{
    emulation::{emulate_viewer, let_seconds_pass},
    open_run, page_url, report, report_all, row, serve, wait_for_state,
};
use crate::{
    browser::{Browser, with_browser},
    harness::Server,
    sse::Stream,
};

/// What is between the page and the service.
#[derive(Default)]
pub(super) struct Between {
    /// Streams get their headers, but none of their events.
    pub(super) holds_back: AtomicBool,
    /// It says that the service is not there.
    pub(super) is_down: AtomicBool,
}

async fn forward(
    State((upstream, between)): State<(SocketAddr, Arc<Between>)>,
    mut request: Request,
) -> Response {
    if between.is_down.load(Ordering::Relaxed) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let is_stream = request.uri().path() == "/api/events";
    if is_stream && between.holds_back.load(Ordering::Relaxed) {
        let nothing = stream::pending::<Result<Vec<u8>, Infallible>>();
        let content_type = [(header::CONTENT_TYPE, "text/event-stream")];
        return (content_type, Body::from_stream(nothing)).into_response();
    }
    let target = format!("http://{upstream}{}", request.uri());
    *request.uri_mut() = target.parse().unwrap();
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    response.map(Body::new).into_response()
}

/// Opens the page through a proxy.
pub(super) async fn open_through(browser: &Browser, server: &Server, between: &Arc<Between>) {
    let router = Router::new().fallback(forward);
    let proxy = serve(router.with_state((server.address, between.clone()))).await;
    emulate_viewer(browser).await;
    browser.open(&format!("http://{proxy}/")).await;
}

async fn reason(browser: &Browser) -> String {
    let shown = "document.querySelector('#reason:not([hidden])')?.textContent ?? ''";
    let shown = browser.evaluate(shown).await;
    shown.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn polling_follows_the_open_run_though_it_is_older_than_the_runs_of_a_poll() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-subscribers", "1"]).await;
        let _other = Stream::open(&server, "/api/events").await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        report_all(&server, 2..=150, "processing").await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Updated every 3 s").await;
        let end = "scrollTo(0, document.documentElement.scrollHeight)";
        browser
            .wait_until(&format!("{end}, {} !== null", row(1)))
            .await;
        open_run(browser, 1).await;
        report(&server, 1, "failed", 45.0, json!([])).await;
        browser
            .wait_until(&format!("{}.dataset.status === 'failed'", row(1)))
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_for_the_runs_where_the_stream_is_held_back() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        let between = Arc::new(Between::default());
        between.holds_back.store(true, Ordering::Relaxed);
        open_through(browser, &server, &between).await;
        wait_for_state(browser, "Updated every 3 s").await;
        let why = reason(browser).await;
        assert!(why.contains("holds the live stream back"), "{why}");
        assert!(why.contains("asks for the runs every 3 s"), "{why}");
        browser.wait_until(&format!("{} !== null", row(1))).await;

        report(&server, 1, "failed", 45.0, json!([])).await;
        report(&server, 2, "processing", 45.0, json!([])).await;
        browser
            .wait_until(&format!(
                "{} !== null && {}.dataset.status === 'failed'",
                row(2),
                row(1)
            ))
            .await;
        let counts =
            "[...document.querySelectorAll('.filters .count')].map((count) => count.textContent)";
        let expected = json!(["2", "0", "1", "0", "1", "0"]);
        browser
            .wait_until(&format!("JSON.stringify({counts}) === '{expected}'"))
            .await;

        between.holds_back.store(false, Ordering::Relaxed);
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Live").await;
        assert_eq!(reason(browser).await, "");
        report(&server, 3, "processing", 45.0, json!([])).await;
        browser.wait_until(&format!("{} !== null", row(3))).await;
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_for_the_runs_where_too_many_streams_are_open() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-subscribers", "1"]).await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        let other = Stream::open(&server, "/api/events").await;
        emulate_viewer(browser).await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Updated every 3 s").await;
        let why = reason(browser).await;
        assert!(why.contains("got no live stream"), "{why}");
        browser.wait_until(&format!("{} !== null", row(1))).await;
        drop(other);
        server
            .until_metric("comfydeploy_webhook_subscribers 0")
            .await;
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Live").await;
    })
    .await;
}

#[tokio::test]
async fn the_stream_is_taken_up_as_soon_as_a_proxy_has_its_service_again() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let between = Arc::new(Between::default());
        between.holds_back.store(true, Ordering::Relaxed);
        open_through(browser, &server, &between).await;
        wait_for_state(browser, "Updated every 3 s").await;
        between.is_down.store(true, Ordering::Relaxed);
        between.holds_back.store(false, Ordering::Relaxed);
        wait_for_state(browser, "Disconnected, trying again").await;
        between.is_down.store(false, Ordering::Relaxed);
        wait_for_state(browser, "Live").await;
    })
    .await;
}

#[tokio::test]
async fn older_runs_that_could_not_be_loaded_come_on_demand_or_with_another_filter() {
    with_browser(async |browser| {
        let server = Server::with_flags(&["--max-subscribers", "1"]).await;
        let _other = Stream::open(&server, "/api/events").await;
        report_all(&server, 1..=800, "processing").await;
        let between = Arc::new(Between::default());
        open_through(browser, &server, &between).await;
        wait_for_state(browser, "Updated every 3 s").await;
        between.is_down.store(true, Ordering::Relaxed);
        browser.run("scrollTo(0, 1_000_000)").await;
        let button = "document.querySelector('#older')";
        browser
            .wait_until(&format!(
                "{button}.textContent.includes('could not be loaded')"
            ))
            .await;
        between.is_down.store(false, Ordering::Relaxed);
        wait_for_state(browser, "Updated every 3 s").await;
        let count = "document.querySelector('#runs .run').ariaSetSize";
        assert_eq!(browser.evaluate(count).await, "100");
        browser.run(&format!("{button}.click()")).await;
        browser.wait_until(&format!("{count} === '600'")).await;

        between.is_down.store(true, Ordering::Relaxed);
        browser.run("scrollTo(0, 1_000_000)").await;
        browser
            .wait_until(&format!(
                "{button}.textContent.includes('could not be loaded')"
            ))
            .await;
        between.is_down.store(false, Ordering::Relaxed);
        browser.click(".filters [data-status=processing]").await;
        browser.wait_until(&format!("{count} === '100'")).await;
        browser.run("scrollTo(0, 1_000_000)").await;
        browser.wait_until(&format!("{count} === '600'")).await;
    })
    .await;
}
