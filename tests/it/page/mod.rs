//! The live page, seen through a browser.

mod access;
mod attention;
mod connect;
mod connection;
mod emulation;
mod environment;
mod failure;
mod filters;
mod finding;
mod firefox;
mod gallery;
mod history;
mod hold;
mod hostile;
mod items;
mod json_text;
mod lightbox;
mod list;
mod live;
mod open_run;
mod outputs;
mod polling;
mod races;
mod test_run;
mod times;
mod unsafe_items;
mod urls;

use std::{net::SocketAddr, ops::RangeInclusive, sync::LazyLock};

use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::IntoResponse,
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    browser::Browser,
    harness::{Server, run_id},
};

/// An image of one pixel.
static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    BASE64_STANDARD.decode(text).unwrap()
});

/// Serves a router on a port of its own.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A storage of images. It rejects those called gone, and signatures of one day as expired. Those called pending
/// never arrive.
async fn storage() -> SocketAddr {
    let picture = get(async |uri: Uri| {
        let uri = uri.to_string();
        if uri.contains("pending") {
            std::future::pending::<()>().await;
        }
        if uri.contains("gone") || uri.contains("20260301") {
            return StatusCode::FORBIDDEN.into_response();
        }
        ([(header::CONTENT_TYPE, "image/png")], PICTURE.clone()).into_response()
    });
    serve(Router::new().fallback(picture)).await
}

fn image(storage: SocketAddr, file: &str) -> Value {
    let name = file.split('?').next();
    json!({ "url": format!("http://{storage}/{file}"), "filename": name, "type": "output" })
}

async fn report(server: &Server, n: usize, status: &str, progress: f64, outputs: Value) {
    let update = json!({
        "run_id": run_id(n), "status": status, "progress": progress, "outputs": outputs,
        "live_status": "Executing KSampler"
    });
    server.accept(update.to_string()).await;
}

async fn report_completed(server: &Server, n: usize, outputs: Value) {
    report(server, n, "completed", 98.0, outputs).await;
}

/// Reports many runs in any order, over a few connections.
async fn report_all(server: &Server, runs: RangeInclusive<usize>, status: &str) {
    let reports = stream::iter(runs);
    reports
        .for_each_concurrent(8, |n| report(server, n, status, 10.0, json!([])))
        .await;
}

fn page_url(server: &Server) -> String {
    format!("http://{}/", server.address)
}

/// The expression for the numbers of the runs in the list, from top to bottom.
const SHOWN_RUNS: &str = "[...document.querySelectorAll('#runs .run')]
    .map((row) => Number(row.dataset.run.slice(-4))).join()";

/// The expression for the row of a run.
fn row(n: usize) -> String {
    format!("document.querySelector('[data-run=\"{}\"]')", run_id(n))
}

/// Waits until the page says how it is connected.
async fn wait_for_state(browser: &Browser, state: &str) {
    let is_shown = format!("document.querySelector('#state').textContent === '{state}'");
    browser.wait_until(&is_shown).await;
}

/// Opens the page and waits until it has the run.
async fn open_with(browser: &Browser, server: &Server, n: usize) {
    browser.open(&page_url(server)).await;
    browser.wait_until(&format!("{} !== null", row(n))).await;
    wait_for_state(browser, "Live").await;
}

/// Opens the page of a service that has no runs.
async fn open_empty(browser: &Browser, url: &str) {
    browser.open(url).await;
    browser
        .wait_until("!document.querySelector('#welcome').hidden")
        .await;
}

/// Opens a run, as a click on its row does.
async fn open_run(browser: &Browser, n: usize) {
    browser
        .click(&format!("[data-run='{}'] .summary a", run_id(n)))
        .await;
    browser
        .find(&format!("[data-run='{}'] .panel", run_id(n)))
        .await;
}
