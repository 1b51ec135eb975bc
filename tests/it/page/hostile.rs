//! Runs whose content is meant to do harm.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header,
    response::Response,
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper_util::{client::legacy, rt::TokioExecutor};
use reqwest::Method;
use serde_json::json;

use super::{image, open_run, page_url, report, report_completed, row, serve, storage};
use crate::{
    browser::with_browser,
    harness::{Server, run_id},
};

#[tokio::test]
async fn hostile_text_is_shown_as_text_only() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let script = "<script>window.isOwned = true</script>";
        let html = "<img src=x onerror='window.isOwned = true'>";
        let urls = [
            "javascript:window.isOwned=true",
            "JaVaScRiPt:window.isOwned=true",
            " javascript:window.isOwned=true",
            "data:text/html,<script>window.isOwned=true</script>",
            "file:///etc/passwd",
            "vbscript:x",
            "blob:http://x/y",
        ];
        let items = |name: &str| urls.map(|url| json!({ "url": url, "filename": name }));
        let update = json!({
            "run_id": run_id(1), "status": "processing", "live_status": html,
            "outputs": [
                { "id": script, "data": {
                    "images": items("x.png"), "gifs": items(html), "audio": items("x.mp3"),
                    "files": items(script), html: [html, script], "text": [script, html, urls[0]],
                    "__proto__": [html], "constructor": [script]
                } },
                { "data": [html, [script], { "url": { "toString": 1 }, "x": null }] },
                { "data": "a text", "node_meta": null }, { "data": 7 }, { "data": null }, {}
            ]
        });
        let labels = [(script, html), ("__proto__", script), (html, urls[0])];
        let request = server.webhook(Method::POST, update.to_string());
        let response = request.query(&labels).send().await.unwrap();
        assert_eq!(response.status(), 200);
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser.click(".raw summary").await;
        browser
            .wait_until("document.querySelector('.raw pre').textContent.includes('isOwned')")
            .await;

        assert_eq!(
            browser
                .evaluate("document.querySelector('.doing').textContent")
                .await,
            html
        );
        assert_eq!(browser.evaluate("typeof window.isOwned").await, "undefined");
        for selector in [
            "#runs img",
            "#runs video",
            "#runs audio",
            "#runs script",
            "#runs [onerror]",
        ] {
            let count = format!("document.querySelectorAll({selector:?}).length");
            assert_eq!(browser.evaluate(&count).await, 0, "{selector}");
        }
        let links = "[...document.querySelectorAll('a[href]')]
        .every(({ protocol }) => protocol === 'http:')";
        assert_eq!(browser.evaluate(links).await, true);
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn huge_runs_do_not_keep_the_others_from_being_shown() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let deep = |n: usize| {
            // With the two levels around them, as deep as an output may be.
            let (open, close) = ("[".repeat(126), "]".repeat(126));
            let run_id = run_id(n);
            let outputs = format!(r#"[{{"data":{{"images":{open}{close}}}}}]"#);
            format!(r#"{{"run_id":"{run_id}","status":"completed","outputs":{outputs}}}"#)
        };
        report(&server, 1, "processing", 45.0, json!([])).await;
        server.accept(deep(2)).await;
        let many = vec!["a"; 100_000];
        report_completed(&server, 3, json!([{ "data": { "text": many } }])).await;
        let signature: Vec<_> = (0..1_000).map(|n| format!("x-amz-{n}=1")).collect();
        let url = format!("https://x.example/?{}", signature.join("&"));
        let word = "w".repeat(1_000_000);
        let data = json!({ "files": [url, url], "text": [&word], &word: [&word] });
        report_completed(&server, 4, json!([{ "data": data }])).await;
        browser.open(&page_url(&server)).await;
        browser
            .wait_until("document.querySelectorAll('.run').length === 4")
            .await;
        open_run(browser, 4).await;
        open_run(browser, 2).await;
        open_run(browser, 3).await;
        let texts = format!("{}.querySelectorAll('figure.text').length", row(3));
        assert_eq!(browser.evaluate(&texts).await, 50);
        let more = format!(
            "{}.querySelector('.group:not([hidden]) > button').click()",
            row(3)
        );
        browser.run(&more).await;
        browser.wait_until(&format!("{texts} === 100")).await;
        let notes = format!("{}.querySelector('.notes').innerText", row(3));
        let notes = browser.evaluate(&notes).await;
        assert_eq!(notes, "Only the first 1,000 files and texts are shown.");
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn the_browser_lets_no_text_become_html_or_code() {
    with_browser(async |browser| {
        let server = Server::start().await;
        browser.open(&page_url(&server)).await;
        // In a task of the page itself, since the driver's own script may call eval.
        let script = "
            const attempts = [
                () => document.body.innerHTML = '<b>',
                () => document.body.insertAdjacentHTML('beforeend', '<b>'),
                () => document.body.setHTMLUnsafe('<b>'),
                () => document.write('<b>'),
                () => document.createElement('iframe').srcdoc = '<b>',
                () => document.createElement('script').text = '1',
                () => document.createRange().createContextualFragment('<b>'),
                () => new DOMParser().parseFromString('<b>', 'text/html'),
                () => Document.parseHTMLUnsafe('<b>'),
                () => eval('1'),
                () => new Function('1'),
                () => setTimeout('1'),
            ];
            const isAllowed = (attempt) => {
                try {
                    attempt();
                    return true;
                } catch {
                    return false;
                }
            };
            setTimeout(() => window.allowed = attempts.filter(isAllowed).map(String));";
        browser.run(script).await;
        browser.wait_until("window.allowed").await;
        assert_eq!(browser.evaluate("window.allowed").await, json!([]));
    })
    .await;
}

/// An SVG of a million elements, in a few hundred bytes.
fn nested_svg() -> String {
    let groups = (1..=6).map(|n| {
        let uses = format!("<use href='#g{}'/>", n - 1).repeat(10);
        format!("<g id='g{n}'>{uses}</g>")
    });
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><defs><path id='g0' d='M0 0h9v9z'/>{}</defs>\
         <use href='#g6'/></svg>",
        groups.collect::<String>()
    )
}

#[tokio::test]
async fn an_svg_that_would_keep_the_browser_busy_is_not_loaded() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let svg = get(async || ([(header::CONTENT_TYPE, "image/svg+xml")], nested_svg()));
        let storage = serve(Router::new().fallback(svg)).await;
        let base64 = BASE64_STANDARD.encode(nested_svg());
        let url = format!("data:image/svg+xml;base64,{base64}");
        let plain = format!("data:IMAGE/SVG+XML;charset=utf-8,{}", nested_svg());
        let images = json!([
            { "url": url, "filename": "a.svg" },
            { "url": plain, "filename": "b.png" },
            image(storage, "c.svg"),
            { "url": format!("http://{storage}/d.svg"), "filename": "d.png" },
        ]);
        let outputs = json!([{ "data": { "images": images, "gifs": images, "files": images } }]);
        report_completed(&server, 1, outputs).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        browser
            .wait_until("document.querySelectorAll('.file').length === 12")
            .await;
        let media = "document.querySelectorAll('main img, main video, dialog img').length";
        assert_eq!(browser.evaluate(media).await, 0);
        let first = "[...document.querySelectorAll('.file')].slice(0, 3).map((file) =>
            [...file.querySelectorAll('.action')].map((action) => action.download || action.innerText))";
        let expected = json!([["a.svg"], ["b.png.svg"], ["Open", "c.svg", "Copy URL"]]);
        assert_eq!(browser.evaluate(first).await, expected);
        browser.assert_no_console_errors().await;
    })
    .await;
}

/// Where requests were sent to, and for what.
type Requests = Arc<Mutex<Vec<[String; 2]>>>;

/// Forwards requests to a server, and remembers them.
async fn forward(
    State((server, requests)): State<(SocketAddr, Requests)>,
    mut request: Request,
) -> Response {
    let target = request.uri().to_string();
    let purpose = request.headers()["sec-fetch-dest"].to_str().unwrap();
    requests
        .lock()
        .unwrap()
        .push([target.clone(), purpose.to_owned()]);
    *request.uri_mut() = format!("http://{server}{target}").parse().unwrap();
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    client.request(request).await.unwrap().map(Body::new)
}

/// Each would take one of the six connections that the browser has for the service.
#[tokio::test]
async fn urls_of_the_service_itself_are_not_loaded_as_media() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let requests = Requests::default();
        let state = (server.address, Arc::clone(&requests));
        let page = serve(Router::new().fallback(forward).with_state(state)).await;
        let run = run_id(1);
        let urls = |end: &str| -> Vec<_> {
            let url = |n| format!("http://{page}/api/runs/{run}?wait=60&x={n}{end}");
            (0..8).map(url).collect()
        };
        let data = json!({
            "images": urls(""), "gifs": urls(".png"), "video": urls(".mp4"), "audio": urls("")
        });
        let outputs =
            json!([{ "data": data }, { "data": { "images": [image(storage, "a.png")] } }]);
        report(&server, 1, "processing", 45.0, outputs).await;
        browser.open(&format!("http://{page}/")).await;
        open_run(browser, 1).await;
        browser
            .wait_until("document.querySelector('.tile img')?.naturalWidth === 1")
            .await;
        let counts = "['.file', '.tile', 'main img, main video, main audio'].map((selector) =>
            document.querySelectorAll(selector).length)";
        assert_eq!(browser.evaluate(counts).await, json!([32, 1, 2]));
        report_completed(&server, 1, json!([])).await;
        browser
            .wait_until(&format!("{}.dataset.status === 'completed'", row(1)))
            .await;
        for [target, purpose] in requests.lock().unwrap().iter() {
            let is_usual = ["document", "empty"].contains(&purpose.as_str());
            assert!(is_usual, "{target} for {purpose}");
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}
