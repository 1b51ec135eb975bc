//! What runs may hold that are meant to do harm.

use serde_json::json;

use super::{completed, open_run, page, report, row};
use crate::{
    browser::Browser,
    harness::{Server, run_id},
};

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
            .value("document.querySelectorAll('figure.text').length")
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
