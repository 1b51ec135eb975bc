//! What a test makes the page believe: what time it is, whether it is seen, and where the pointer is.

use serde_json::json;

use crate::browser::Browser;

/// Runs a script in each page that is opened from now on, before its own.
pub(super) async fn before_scripts(browser: &Browser, script: &str) {
    let parameters = json!({ "source": script });
    browser
        .devtools("Page.addScriptToEvaluateOnNewDocument", &parameters)
        .await;
}

/// Lets a test set the clock, by which the page waits, and whether the page is seen.
pub(super) async fn emulate_viewer(browser: &Browser) {
    let script = "
        const realNow = performance.now.bind(performance);
        window.passed = 0;
        performance.now = () => realNow() + window.passed;
        window.isSeen = true;
        Object.defineProperty(document, 'hidden', { get: () => !window.isSeen });
        document.hasFocus = () => window.isSeen;";
    before_scripts(browser, script).await;
}

pub(super) async fn let_seconds_pass(browser: &Browser, seconds: u32) {
    browser
        .run(&format!("window.passed += 1000 * {seconds}"))
        .await;
}

pub(super) async fn set_seen(browser: &Browser, is_seen: bool) {
    let script = format!(
        "window.isSeen = {is_seen};
         document.dispatchEvent(new Event('visibilitychange'));
         if (isSeen) window.dispatchEvent(new Event('focus'));"
    );
    browser.run(&script).await;
}

pub(super) async fn move_pointer(browser: &Browser, x: i32, y: i32) {
    let parameters = json!({ "type": "mouseMoved", "x": x, "y": y });
    browser
        .devtools("Input.dispatchMouseEvent", &parameters)
        .await;
}
