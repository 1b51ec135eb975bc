//! The live page, seen through a browser.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::LazyLock,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, Uri, header},
    response::IntoResponse,
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use fantoccini::key::Key;
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    browser::Browser,
    harness::{Process, Server, WEBHOOK, is_installed, run_id},
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

#[tokio::test]
async fn runs_appear_and_move_without_a_reload() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    browser.open(&page(&server)).await;
    browser
        .until("!document.querySelector('#welcome').hidden")
        .await;
    browser.run("window.isTheSamePage = true").await;

    report(&server, 1, "processing", 45.0, json!([])).await;
    browser
        .until("document.querySelector('.percent')?.textContent === '45%'")
        .await;
    let row = row(1);
    for (part, shown) in [
        (".status", "Processing"),
        (".doing", "Executing KSampler"),
        ("summary code", "7c9e6679"),
    ] {
        let text = browser
            .value(&format!("{row}.querySelector('{part}').innerText"))
            .await;
        assert_eq!(text, shown, "{part}");
    }
    assert_eq!(
        browser
            .value("document.querySelector('#welcome').hidden")
            .await,
        true
    );
    assert_eq!(browser.client.title().await.unwrap(), "(1) Runs");

    report(&server, 2, "queued", 0.0, json!([])).await;
    browser
        .until("document.querySelectorAll('.run').length === 2")
        .await;
    assert_eq!(
        browser
            .value("document.querySelector('.run').dataset.run")
            .await,
        run_id(2)
    );

    completed(&server, 1, json!([])).await;
    browser
        .until(&format!("{row}.dataset.status === 'completed'"))
        .await;
    // Full, though the last that was reported is 98.
    assert_eq!(
        browser
            .value(&format!("{row}.querySelector('progress').value"))
            .await,
        100
    );
    browser
        .until("document.querySelector('[data-status=completed] .count').textContent === '1'")
        .await;
    assert_eq!(browser.value("window.isTheSamePage").await, true);
    browser.assert_content().await;
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
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    browser.open(&page(&server)).await;
    browser.find(".run").await;
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
async fn a_filter_shows_the_runs_of_one_status_and_keeps_up_with_them() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    report(&server, 2, "failed", 45.0, json!([])).await;
    browser.open(&page(&server)).await;
    let shown = "[...document.querySelectorAll('.run:not([hidden])')].map(row => row.dataset.run.at(-1)).join()";
    browser.until(&format!("{shown} === '2,1'")).await;

    browser.click(".filters [data-status=failed]").await;
    assert_eq!(browser.value(shown).await, "2");
    let pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(button => button.dataset.status)";
    assert_eq!(browser.value(pressed).await, json!(["failed"]));
    report(&server, 1, "failed", 45.0, json!([])).await;
    browser.until(&format!("{shown} === '2,1'")).await;
    // It leaves the status, and with it the list.
    report(&server, 2, "completed", 45.0, json!([])).await;
    browser.until(&format!("{shown} === '1'")).await;

    browser.click(".filters [data-status=queued]").await;
    browser
        .until("document.querySelector('#none').innerText === 'No queued runs.'")
        .await;
    browser.click(".filters [data-status='']").await;
    browser.until(&format!("{shown} === '2,1'")).await;
    browser.assert_content().await;
}

#[tokio::test]
async fn pictures_are_small_in_the_row_and_open_in_full_size() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let images = ["a.png", "b.png", "c.png", "d.png", "e.png"].map(|file| image(storage, file));
    completed(
        &server,
        1,
        json!([{ "id": "1", "data": { "images": images, "text": ["a castle"] } }]),
    )
    .await;
    browser.open(&page(&server)).await;
    let loaded =
        "[...document.querySelectorAll('.thumb')].filter(thumb => thumb.naturalWidth > 0).length";
    browser.until(&format!("{loaded} === 4")).await;
    assert_eq!(
        browser
            .value("document.querySelector('.rest').innerText")
            .await,
        "+2"
    );

    open_run(&browser, 1).await;
    browser
        .until("document.querySelectorAll('.tile img').length === 5")
        .await;
    assert_eq!(
        browser.find(".words pre").await.text().await.unwrap(),
        "a castle"
    );
    browser.click(".tile button").await;
    browser
        .until("document.querySelector('dialog[open] .stage img')?.naturalWidth === 1")
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
        .until("document.querySelector('dialog img').alt === 'e.png'")
        .await;
    browser.press(Key::Escape).await;
    browser
        .until("!document.querySelector('dialog').open")
        .await;
    browser.assert_content().await;
}

#[tokio::test]
async fn what_cannot_be_loaded_says_so_until_a_fresh_url_comes() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let output = |date: &str| {
        let private = format!("private.png?X-Amz-Date={date}&X-Amz-Expires=3600");
        json!([
            { "id": "1", "updated_at": date, "data": { "images": [image(storage, &private)] } },
            { "id": "2", "data": { "images": [image(storage, "gone.png")] } }
        ])
    };
    completed(&server, 1, output("20260301T130000Z")).await;
    browser.open(&page(&server)).await;
    open_run(&browser, 1).await;
    let notes =
        "[...document.querySelectorAll('.broken-tile strong')].map(note => note.innerText).join()";
    browser
        .until(&format!("{notes} === 'Expired,Not available'"))
        .await;
    browser
        .until("document.querySelectorAll('.thumb.broken').length === 2")
        .await;

    completed(&server, 1, output("20990301T130000Z")).await;
    browser
        .until("document.querySelector('.tile img')?.naturalWidth === 1")
        .await;
    browser
        .until("document.querySelector('img.thumb')?.naturalWidth === 1")
        .await;
    assert_eq!(browser.value(notes).await, "Not available");
    // That is all there is to complain of.
    for complaint in browser.complaints().await {
        let is_known = complaint.contains("gone.png") || complaint.contains("20260301");
        assert!(is_known, "{complaint}");
    }
}

#[tokio::test]
async fn hostile_text_is_shown_and_nothing_else_comes_of_it() {
    let Some(browser) = Browser::start().await else {
        return;
    };
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
    server.accept(update.to_string()).await;
    browser.open(&page(&server)).await;
    open_run(&browser, 1).await;
    browser.click(".raw summary").await;
    browser
        .until("document.querySelector('.raw pre').textContent.includes('isOwned')")
        .await;

    assert_eq!(
        browser
            .value("document.querySelector('.doing').textContent")
            .await,
        html
    );
    assert_eq!(browser.value("typeof window.isOwned").await, "undefined");
    for selector in [
        "#runs img",
        "#runs video",
        "#runs audio",
        "#runs script",
        "#runs [onerror]",
    ] {
        let count = format!("document.querySelectorAll({selector:?}).length");
        assert_eq!(browser.value(&count).await, 0, "{selector}");
    }
    let links =
        "[...document.querySelectorAll('a[href]')].every(({ protocol }) => protocol === 'http:')";
    assert_eq!(browser.value(links).await, true);
    browser.assert_content().await;
}

#[tokio::test]
async fn a_lost_connection_is_said_and_comes_back_by_itself() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let update = |n: usize| json!({ "run_id": run_id(n), "status": "queued" }).to_string();
    let mut process = Process::serve(&[]);
    assert_eq!(process.post(WEBHOOK, update(1)).await.status(), 200);
    browser.open(&process.url("/")).await;
    browser.until(&format!("{} !== null", row(1))).await;
    browser
        .until("document.querySelector('#state').innerText === 'Live'")
        .await;
    process.stop();
    browser
        .until("document.querySelector('#state').dataset.state === 'lost'")
        .await;
    assert_eq!(
        browser
            .value("document.querySelectorAll('.run').length")
            .await,
        1
    );

    let address = process.address.to_string();
    let again = Process::start(Process::command(&["--listen", &address]));
    assert_eq!(again.post(WEBHOOK, update(2)).await.status(), 200);
    browser
        .until("document.querySelector('#state').innerText === 'Live'")
        .await;
    // It keeps nothing over a restart, so what was there is gone.
    browser
        .until(&format!("{} !== null && {} === null", row(2), row(1)))
        .await;
}

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
    let server = Server::start().await;
    report(&server, 1, "processing", 45.0, json!([])).await;
    browser.open(&page(&server)).await;
    browser.find(".run").await;
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
async fn an_update_leaves_what_is_open_as_it_is() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let (server, storage) = (Server::start().await, storage().await);
    let output = |n: usize, file: &str| json!({ "id": n.to_string(), "data": { "images": [image(storage, file)] } });
    report(
        &server,
        1,
        "processing",
        45.0,
        json!([output(2, "b.png?X-Amz-Signature=1")]),
    )
    .await;
    browser.open(&page(&server)).await;
    open_run(&browser, 1).await;
    browser
        .until("document.querySelector('.tile img')?.naturalWidth === 1")
        .await;
    browser
        .run(
            "document.querySelector('.tile').isOld = document.querySelector('.thumb').isOld = true",
        )
        .await;
    // One more before it, and the same again with a fresh signature.
    let outputs = json!([output(1, "a.png"), output(2, "b.png?X-Amz-Signature=2")]);
    completed(&server, 1, outputs).await;
    browser
        .until("document.querySelectorAll('.tile').length === 2")
        .await;
    for part in ["tile", "thumb"] {
        let old = format!(
            "[...document.querySelectorAll('.{part}')].map(({{ isOld }}) => isOld ?? false)"
        );
        assert_eq!(browser.value(&old).await, json!([false, true]), "{part}");
    }
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

#[tokio::test]
async fn among_two_thousand_runs_an_update_changes_one_row() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    for n in 0..2_001 {
        report(&server, n, "processing", 10.0, json!([])).await;
    }
    browser.open(&page(&server)).await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    browser
        .until("document.querySelector('#more').innerText === 'The newest 2,000 of 2,001.'")
        .await;
    browser
        .run(
            "window.changed = new Set();
             new MutationObserver((changes) => {
               for (const { target } of changes) {
                 const element = target.nodeType === 1 ? target : target.parentElement;
                 // The time goes on in all of them.
                 if (element.tagName !== 'TIME') changed.add(element.closest('.run')?.dataset.run);
               }
             }).observe(document.querySelector('#runs'),
               { subtree: true, childList: true, characterData: true, attributes: true });",
        )
        .await;
    report(&server, 1_000, "processing", 20.0, json!([])).await;
    browser
        .until(&format!(
            "{}.querySelector('.percent').textContent === '20%'",
            row(1_000)
        ))
        .await;
    assert_eq!(browser.value("[...changed]").await, json!([run_id(1_000)]));
    browser.assert_content().await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_takes_no_place() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    completed(&server, 0, json!([])).await;
    for n in 1..=2_001 {
        report(&server, n, "processing", 10.0, json!([])).await;
    }
    browser.open(&page(&server)).await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    browser.click(".filters [data-status=completed]").await;
    browser.until(&format!("{} !== null", row(0))).await;
    // Those that leave the status make room for older ones.
    browser.click(".filters [data-status=processing]").await;
    browser
        .until("document.querySelectorAll('.run').length === 2000")
        .await;
    for n in 2..=2_001 {
        report(&server, n, "failed", 10.0, json!([])).await;
    }
    browser.until(&format!("{} !== null", row(1))).await;
    browser.assert_content().await;
}

#[tokio::test]
async fn no_run_keeps_the_page_from_showing_the_others() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let server = Server::start().await;
    let deep = |n: usize| {
        let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
        let run_id = run_id(n);
        format!(
            r#"{{"run_id":"{run_id}","status":"completed","outputs":[{{"data":{{"images":{open}{close}}}}}]}}"#
        )
    };
    report(&server, 1, "processing", 45.0, json!([])).await;
    server.accept(deep(2)).await;
    let many = vec!["a"; 100_000];
    completed(&server, 3, json!([{ "data": { "text": many } }])).await;
    browser.open(&page(&server)).await;
    browser
        .until("document.querySelectorAll('.run').length === 3")
        .await;
    open_run(&browser, 2).await;
    open_run(&browser, 3).await;
    assert_eq!(
        browser
            .value("document.querySelectorAll('.words').length")
            .await,
        1_000
    );
    let facts = browser
        .value(&format!("{}.querySelector('.facts').innerText", row(3)))
        .await;
    assert!(
        facts.as_str().unwrap().contains("the first 1,000"),
        "{facts}"
    );
    browser.assert_content().await;
}
