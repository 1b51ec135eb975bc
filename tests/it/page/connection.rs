//! Where the runs come from: the stream, or where none arrives, requests again and again.

use std::{
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
use fantoccini::error::CmdError;
use futures_util::stream;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::json;

use super::{
    emulation::{emulate_viewer, let_seconds_pass, set_seen},
    page_url, report, report_all, row, serve, wait_for_state,
};
use crate::{
    browser::{Browser, with_browser},
    harness::{Folder, Process, Server, WEBHOOK, run_id, update},
    sse::Stream,
};

/// What is between the page and the service.
#[derive(Default)]
struct Between {
    /// Streams get their headers, but none of their events.
    holds_back: AtomicBool,
    /// It says that the service is not there.
    is_down: AtomicBool,
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
        let nothing = stream::pending::<Result<Vec<u8>, CmdError>>();
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
async fn open_through(browser: &Browser, server: &Server, between: &Arc<Between>) {
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
        assert!(why.contains("too many may be open"), "{why}");
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
        between.is_down.store(true, Ordering::Relaxed);
        // The page itself was loaded before.
        between.is_down.store(false, Ordering::Relaxed);
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
async fn a_hidden_tab_lets_its_stream_go_and_takes_it_up_again() {
    with_browser(async |browser| {
        const SUBSCRIBERS: &str = "comfydeploy_webhook_subscribers";
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        emulate_viewer(browser).await;
        browser.open(&page_url(&server)).await;
        wait_for_state(browser, "Live").await;
        server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
        set_seen(browser, false).await;
        let_seconds_pass(browser, 60).await;
        server.until_metric(&format!("{SUBSCRIBERS} 0")).await;
        wait_for_state(browser, "Paused").await;
        // It asks less often.
        report(&server, 2, "processing", 45.0, json!([])).await;
        let_seconds_pass(browser, 15).await;
        browser
            .wait_until("document.title.startsWith('2 at work')")
            .await;

        set_seen(browser, true).await;
        wait_for_state(browser, "Live").await;
        server.until_metric(&format!("{SUBSCRIBERS} 1")).await;
        browser.wait_until(&format!("{} !== null", row(2))).await;
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_is_seen_while_the_service_is_gone_is_live_again_afterwards() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let between = Arc::new(Between::default());
        open_through(browser, &server, &between).await;
        wait_for_state(browser, "Live").await;
        set_seen(browser, false).await;
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Paused").await;
        between.is_down.store(true, Ordering::Relaxed);
        let_seconds_pass(browser, 15).await;
        wait_for_state(browser, "Disconnected, trying again").await;
        set_seen(browser, true).await;
        between.is_down.store(false, Ordering::Relaxed);
        let_seconds_pass(browser, 60).await;
        wait_for_state(browser, "Live").await;
    })
    .await;
}

/// Stops a service and starts it again at the same address. Returns whether the page says what is forgotten.
async fn says_what_a_restart_forgot(browser: &Browser, arguments: &[&str]) -> bool {
    let mut process = Process::serve(arguments);
    assert_eq!(
        process.post(WEBHOOK, update(1, "queued")).await.status(),
        200
    );
    browser.open(&process.url("/")).await;
    browser.wait_until(&format!("{} !== null", row(1))).await;
    wait_for_state(browser, "Live").await;
    process.stop();
    wait_for_state(browser, "Disconnected, trying again").await;
    let rows = "document.querySelectorAll('.run').length";
    assert_eq!(browser.evaluate(rows).await, 1);

    let address = process.address.to_string();
    let arguments = [&["--listen", &address], arguments].concat();
    let restarted = Process::start(Process::command(&arguments));
    assert_eq!(
        restarted.post(WEBHOOK, update(2, "queued")).await.status(),
        200
    );
    wait_for_state(browser, "Live").await;
    browser.wait_until(&format!("{} !== null", row(2))).await;
    // What was forgotten is gone when this is known, too.
    let is_forgotten = format!("{} === null", row(1));
    let notice = "document.querySelector('#restarted:not([hidden])')?.textContent ?? ''";
    if arguments.contains(&"--database-url") {
        assert_eq!(browser.evaluate(&is_forgotten).await, false);
        assert_eq!(browser.evaluate(notice).await, "");
        return false;
    }
    browser.wait_until(&is_forgotten).await;
    browser
        .wait_until(&format!("{notice}.includes('earlier runs are forgotten')"))
        .await;
    browser.click("#restarted button").await;
    browser.find("#restarted[hidden]").await;
    true
}

#[tokio::test]
async fn a_restart_is_told_where_it_forgets_runs() {
    with_browser(async |browser| {
        assert!(says_what_a_restart_forgot(browser, &[]).await);
        let folder = Folder::new();
        let url = format!("sqlite:{}", folder.path("runs.db").display());
        assert!(!says_what_a_restart_forgot(browser, &["--database-url", &url]).await);
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
        assert_eq!(browser.evaluate(count).await, "200");
        browser.run(&format!("{button}.click()")).await;
        browser.wait_until(&format!("{count} === '700'")).await;

        between.is_down.store(true, Ordering::Relaxed);
        browser.run("scrollTo(0, 1_000_000)").await;
        browser
            .wait_until(&format!(
                "{button}.textContent.includes('could not be loaded')"
            ))
            .await;
        between.is_down.store(false, Ordering::Relaxed);
        browser.click(".filters [data-status=processing]").await;
        browser.wait_until(&format!("{count} === '200'")).await;
        browser.run("scrollTo(0, 1_000_000)").await;
        browser.wait_until(&format!("{count} === '700'")).await;
    })
    .await;
}

#[tokio::test]
async fn a_run_is_open_while_many_others_change() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report_all(&server, 1..=200, "processing").await;
        let address = format!("{}#run={}", page_url(&server), run_id(100));
        browser.open(&address).await;
        wait_for_state(browser, "Live").await;
        report_all(&server, 1..=200, "failed").await;
        browser
            .wait_until(&format!("{}?.dataset.status === 'failed'", row(100)))
            .await;
        let panel = format!("[data-run='{}'] .panel", run_id(100));
        browser.find(&panel).await;
        browser.assert_no_console_errors().await;
    })
    .await;
}
