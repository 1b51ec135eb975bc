//! The live page, seen through a browser.

mod hostile;
mod live;
mod outputs;
mod reach;

use std::{net::SocketAddr, sync::LazyLock};

use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::IntoResponse,
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    browser::Browser,
    harness::{Server, run_id},
};

/// A picture of one point.
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

/// The storage of the pictures: it has all but those called gone, and signatures of one day are too old.
async fn storage() -> SocketAddr {
    let picture = get(async |uri: Uri| {
        let uri = uri.to_string();
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

async fn completed(server: &Server, n: usize, outputs: Value) {
    report(server, n, "completed", 98.0, outputs).await;
}

fn page(server: &Server) -> String {
    format!("http://{}/", server.address)
}

/// How the page finds the row of a run.
fn row(n: usize) -> String {
    format!("document.querySelector('[data-run=\"{}\"]')", run_id(n))
}

/// Opens a run, as a click on its status does.
async fn open_run(browser: &Browser, n: usize) {
    browser
        .click(&format!("[data-run='{}'] .status", run_id(n)))
        .await;
    browser
        .find(&format!("[data-run='{}'] .panel", run_id(n)))
        .await;
}
