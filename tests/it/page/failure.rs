//! ComfyUI's errors among the outputs of a run.

use serde_json::{Value, json};

use super::{image, items::evaluate, open_run, page_url, report, storage};
use crate::{
    browser::with_browser,
    harness::{Server, read},
};

/// ComfyUI's error of a node, as ComfyDeploy passes it on.
fn execution_error() -> Value {
    serde_json::from_str(&read("src/simulate/execution_error.json")).unwrap()
}

fn run(data: &[Value]) -> Value {
    let outputs: Vec<_> = data.iter().map(|data| json!({ "data": data })).collect();
    json!({ "status": "failed", "outputs": outputs })
}

#[test]
fn an_error_is_recognised_in_both_shapes_and_is_no_item() {
    let validation = json!({ "error": { "type": "invalid_prompt", "message": "Cannot execute" } });
    let function =
        "(run) => [failuresOf(run), itemsOf(run).length, failureSummary(failureOf(run))]";
    let Some(found) = evaluate(function, &run(&[execution_error(), validation])) else {
        return;
    };
    let [first, second] = [&found[0][0], &found[0][1]];
    assert_eq!(first["type"], "torch.OutOfMemoryError");
    assert_eq!(
        [&first["node"], &first["nodeId"]],
        [&json!("KSampler"), &json!("3")]
    );
    assert!(first["message"].as_str().unwrap().contains("TIPS"));
    let traceback = first["traceback"].as_str().unwrap();
    assert!(
        traceback.starts_with("  File \"/comfyui/execution.py\", line 510"),
        "{traceback}"
    );
    let expected = json!({
        "type": "invalid_prompt", "node": "", "nodeId": "", "message": "Cannot execute", "traceback": ""
    });
    assert_eq!(second, &expected);
    assert_eq!(
        [&found[1], &found[2]],
        [&json!(0), &json!("KSampler: Allocation on device")]
    );
}

#[test]
fn the_summary_says_what_is_known() {
    let errors = [
        json!({ "exception_type": "ValueError", "exception_message": "\n bad\nvalue", "traceback": "one text" }),
        json!({ "exception_type": "ValueError", "node_id": 7 }),
        json!({ "exception_message": "bad value", "node_type": { "toString": 1 } }),
        json!({ "error": { "message": "No machine" } }),
    ];
    let function = "(run) => failuresOf(run).map(failureSummary)";
    if let Some(found) = evaluate(function, &run(&errors)) {
        let expected = ["ValueError: bad", "ValueError", "bad value", "No machine"];
        assert_eq!(found, json!(expected));
    }
}

#[test]
fn what_only_mentions_errors_is_none() {
    let others = [
        json!({ "text": ["exception_message: an error"] }),
        json!({ "exception_message": ["a node's output"], "exception_type": [], "traceback": "x" }),
        json!({ "error": ["a node's output"] }),
        json!({ "error": "a text" }),
        json!({ "error": { "message": "" } }),
        json!({ "error": { "message": ["a"] } }),
        json!({ "error": null }),
        json!([execution_error()]),
        json!("exception_message"),
        Value::Null,
    ];
    let function = "(run) => [failureOf(run), failureOf({}), failureOf({ outputs: null })]";
    if let Some(found) = evaluate(function, &run(&others)) {
        assert_eq!(found, json!([null, null, null]));
    }
}

#[test]
fn the_texts_of_an_error_are_bounded() {
    let long = "w".repeat(1_000_000);
    let error = json!({
        "exception_type": long, "exception_message": long, "node_type": long, "node_id": long,
        "traceback": vec!["w\n"; 500_000]
    });
    let errors = vec![error; 3];
    let function = "(run) => [
        failuresOf(run).every((failure) => JSON.stringify(failure).length < 30_000),
        failureSummary(failureOf(run)).length, failuresOf({ outputs: Array(100).fill(run.outputs[0]) }).length,
    ]";
    if let Some(found) = evaluate(function, &run(&errors)) {
        assert_eq!(found, json!([true, 201, 10]));
    }
}

#[tokio::test]
async fn the_error_of_a_run_is_one_box_with_its_traceback_folded() {
    with_browser(async |browser| {
        let (server, storage) = (Server::start().await, storage().await);
        let outputs = json!([
            { "id": "1", "data": execution_error() }, { "id": "2", "data": { "images": [image(storage, "a.png")] } }
        ]);
        report(&server, 1, "failed", 62.0, outputs).await;
        browser.open(&page_url(&server)).await;
        open_run(browser, 1).await;
        let title = browser.find(".failure .failure-title").await;
        assert_eq!(
            title.text().await.unwrap(),
            "torch.OutOfMemoryError\nKSampler (node 3)"
        );
        for (selector, count) in [(".failure", 1), ("figure", 1), (".text", 0), (".tile", 1)] {
            let found = format!("document.querySelectorAll('.panel {selector}').length");
            assert_eq!(browser.evaluate(&found).await, count, "{selector}");
        }
        let is_shown = "document.querySelector('.trace').checkVisibility()";
        assert_eq!(browser.evaluate(is_shown).await, false);
        browser.click(".failure summary").await;
        browser.wait_until(is_shown).await;
        let is_reachable = "document.querySelector('.trace').tabIndex === 0";
        assert_eq!(browser.evaluate(is_reachable).await, true);
        browser.assert_no_console_errors().await;
    })
    .await;
}
