//! The test run that the page sends at a click.

use serde_json::json;

use super::{open_empty, page_url};
use crate::{
    browser::{Browser, with_browser},
    harness::{Server, WEBHOOK, assert_nothing_stored},
};

const BUTTON: &str = "document.querySelector('#send-test-run')";
const STATE: &str = "document.querySelector('#test-run-state')";

async fn until_test_run_says(browser: &Browser, said: &str) {
    browser
        .wait_until(&format!("{STATE}.textContent.startsWith({said:?})"))
        .await;
}

/// Where the page has sent requests to, but for the page itself.
async fn requests(browser: &Browser) -> Vec<String> {
    let names = "performance.getEntriesByType('resource').map(({ name }) => name)";
    serde_json::from_value(browser.evaluate(names).await).unwrap()
}

#[tokio::test]
async fn a_test_run_is_sent_at_a_click_and_shown_step_by_step() {
    with_browser(async |browser| {
        let server = Server::start().await;
        open_empty(browser, &page_url(&server)).await;
        browser
            .wait_until("document.querySelector('#state').innerText === 'Live'")
            .await;
        let sent = requests(browser).await;
        assert!(!sent.iter().any(|url| url.contains(WEBHOOK)), "{sent:?}");
        assert_nothing_stored(&server).await;

        browser
            .run(&format!(
                "window.steps = [];
                 window.statuses = new Set();
                 new MutationObserver(() => steps.push({BUTTON}.textContent))
                   .observe({BUTTON}, {{ childList: true }});
                 const look = () => statuses.add(document.querySelector('.run')?.dataset.status);
                 new MutationObserver(look).observe(document.body, {{ childList: true, attributes: true, subtree: true }});"
            ))
            .await;
        browser.click("#send-test-run").await;
        assert_eq!(browser.evaluate(&format!("{BUTTON}.ariaDisabled")).await, "true");
        browser.find(".run[data-status=completed]").await;
        until_test_run_says(browser, "The test run is complete.").await;
        browser
            .wait_until("document.querySelector('.run img')?.naturalWidth > 0")
            .await;
        assert_eq!(
            browser.evaluate("steps").await,
            json!([
                "Step 1 of 10: queued",
                "Step 2 of 10: started",
                "Step 3 of 10: Executing CheckpointLoaderSimple",
                "Step 4 of 10: Executing CLIPTextEncode",
                "Step 5 of 10: Executing KSampler",
                "Step 6 of 10: Executing KSampler",
                "Step 7 of 10: Executing KSampler",
                "Step 8 of 10: Executing SaveImage",
                "Step 9 of 10: Executing SaveImage",
                "Step 10 of 10: Executing SaveImage",
                "Send a test run",
            ])
        );
        assert_eq!(browser.evaluate("statuses.has('processing')").await, true);
        assert_eq!(browser.evaluate(&format!("{BUTTON}.ariaDisabled")).await, "false");
        let runs = server.json("/api/runs?label=source:test").await;
        let run = &runs["runs"][0];
        assert_eq!(run["labels"], json!({ "source": "test" }));
        assert_eq!(run["outputs"].as_array().unwrap().len(), 2);
        assert!(run["outputs"].to_string().len() < 32 * 1024);
        let url = run.pointer("/outputs/1/data/images/0/url").unwrap();
        assert!(url.as_str().unwrap().starts_with("data:image/png;base64,"));
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn a_test_run_needs_the_webhook_token_and_keeps_it_to_itself() {
    with_browser(async |browser| {
        let server = Server::with_tokens("s3cret", "reader", &[]).await;
        open_empty(browser, &format!("{}?token=reader", page_url(&server))).await;
        let token = "document.querySelector('#test-run-token')";
        assert_eq!(browser.evaluate(&format!("{token}.value")).await, "reader");
        browser.click("#send-test-run").await;
        until_test_run_says(browser, "The test run stopped: the webhook token is wrong").await;
        // Only the 401 itself, without a question by the browser.
        let messages = browser.console_messages().await;
        assert!(
            matches!(&messages[..], [only] if only.contains("401")),
            "{messages:?}"
        );

        browser.run(&format!("{token}.value = 's3cret'")).await;
        browser.click("#send-test-run").await;
        browser.find(".run[data-status=completed]").await;
        let mut seen = requests(browser).await;
        assert!(
            seen.iter()
                .any(|url| url.ends_with(&format!("{WEBHOOK}?source=test")))
        );
        for place in [
            "location.href",
            "document.cookie",
            "JSON.stringify({ ...localStorage, ...sessionStorage })",
        ] {
            seen.push(browser.evaluate(place).await.as_str().unwrap().to_owned());
        }
        assert!(!seen.iter().any(|text| text.contains("s3cret")), "{seen:?}");
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_webhook_token_there_is_no_field_for_one() {
    with_browser(async |browser| {
        let server = Server::with_tokens("", "reader", &[]).await;
        open_empty(browser, &format!("{}?token=reader", page_url(&server))).await;
        let field = browser.find("#test-run-token-field").await;
        assert!(!field.is_displayed().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_test_run_stops_at_the_first_rejected_update_and_says_why() {
    with_browser(async |browser| {
        let server = Server::start().await;
        open_empty(browser, &page_url(&server)).await;
        for (response, reason) in [
            (
                "new Response('{\"detail\": \"the service is shutting down\"}', { status: 503 })",
                "the service is shutting down",
            ),
            ("new Response('<b>', { status: 502, statusText: 'Bad Gateway' })", "The response was 502 Bad Gateway"),
            ("new Response('null', { status: 500 })", "The response was 500"),
            ("Promise.reject(new TypeError())", "the service cannot be reached"),
            ("({ type: 'opaqueredirect' })", "the webhook's address is redirected"),
        ] {
            browser.run(&format!("window.realFetch ??= fetch; window.fetch = async () => {response}")).await;
            browser.click("#send-test-run").await;
            until_test_run_says(browser, &format!("The test run stopped: {reason}")).await;
        }
        assert_nothing_stored(&server).await;

        // Later, the list has taken the place of the button.
        browser
            .run(
                "let posts = 0;
                 window.fetch = async (...request) =>
                   ++posts < 2 ? realFetch(...request) : new Response('{\"detail\": \"no more\"}', { status: 503 })",
            )
            .await;
        browser.click("#send-test-run").await;
        browser.find(".run[data-status=queued]").await;
        until_test_run_says(browser, "The test run stopped: no more").await;
        let state = browser.find("#test-run-state").await;
        assert!(state.is_displayed().await.unwrap());
        browser.assert_no_console_errors().await;
    })
    .await;
}
