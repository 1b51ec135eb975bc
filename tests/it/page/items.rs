//! Which items the page finds in the outputs of a run: its script alone, without a browser.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{is_installed, output_for, read};

/// The scripts that use nothing of the browser, in the order of the page.
const PURE: [&str; 5] = ["times", "urls", "failure", "items", "json"];

/// The result of a JavaScript function that uses these scripts. None where Node is not installed.
pub(super) fn evaluate(function: &str, input: &Value) -> Option<Value> {
    if !is_installed("node") {
        return None;
    }
    let scripts: String = PURE
        .iter()
        .map(|name| read(&format!("src/http/page/script/{name}.js")))
        .collect();
    // A string, since `__proto__` has a meaning of its own in source text.
    let input = Value::from(input.to_string());
    let script = format!(
        "\"use strict\";\n{scripts}\nconst result = ({function})(JSON.parse({input}));
         console.log(JSON.stringify(result));"
    );
    let mut node = Command::new("node");
    node.arg("-");
    Some(serde_json::from_str(&output_for(&script, node)).unwrap())
}

/// Checks the kind and the name of each item in outputs.
#[track_caller]
pub(super) fn assert_items(outputs: &Value, expected: &[(&str, &str)]) {
    let function = "(run) => itemsOf(run).map(({ kind, name }) => [kind, name])";
    if let Some(items) = evaluate(function, &json!({ "outputs": outputs })) {
        assert_eq!(items, json!(expected));
    }
}

pub(super) fn file(name: &str) -> Value {
    json!({ "url": format!("https://x.example/{name}"), "filename": name })
}

#[test]
fn files_are_recognised_by_their_names() {
    let files = ["a.png", "b.WEBP", "c.mp4", "d.webm", "e.flac", "f.glb"].map(file);
    assert_items(
        &json!([{ "data": { "files": files } }]),
        &[
            ("image", "a.png"),
            ("image", "b.WEBP"),
            ("video", "c.mp4"),
            ("video", "d.webm"),
            ("audio", "e.flac"),
            ("file", "f.glb"),
        ],
    );
}

#[test]
fn without_an_extension_the_key_of_the_data_says_the_kind() {
    let data = json!({
        "audio": [file("1")], "gifs": [file("2")], "images": [file("3")], "mesh": [file("4")], "video": file("5")
    });
    let expected = ["audio", "image", "image", "file", "video"];
    let expected: Vec<_> = expected
        .into_iter()
        .zip(["1", "2", "3", "4", "5"])
        .collect();
    assert_items(&json!([{ "data": data }]), &expected);
}

#[test]
fn items_are_found_in_every_shape_of_outputs() {
    let outputs = json!([
        file("without-data.png"),
        { "data": [file("in-a-list.png")] },
        { "data": "https://x.example/a%20b.png?size=1" },
        { "data": { "text": ["a castle", " ", "https://x.example/is-text.png"] } },
        { "data": { "result": { "deeper": [{ "text": "nested" }], "seed": "7" } } },
        { "data": null }, {}
    ]);
    assert_items(
        &outputs,
        &[
            ("image", "without-data.png"),
            ("image", "in-a-list.png"),
            ("image", "a b.png"),
            ("text", "text"),
            ("text", "text"),
            ("text", "deeper"),
        ],
    );
}

#[test]
fn keys_are_unique_and_do_not_change_with_the_signature() {
    let signed = |signature: &str| {
        let url = format!("https://x.example/a.png?v=1&X-Amz-Signature={signature}");
        json!({ "outputs": [{ "data": { "images": [{ "url": url }, { "url": url }] } }] })
    };
    let function = "(runs) => runs.map((run) => itemsOf(run).map(({ key }) => key))";
    if let Some(keys) = evaluate(function, &json!([signed("1"), signed("2")])) {
        assert_eq!(keys[0], keys[1]);
        assert_ne!(keys[0][0], keys[0][1]);
    }
}

#[test]
fn keys_are_unique_whatever_the_texts_are() {
    let long = |middle: &str| format!("{}{middle}{}", "a".repeat(5_000), "a".repeat(5_000));
    let texts = json!([
        "a",
        "a",
        "a 2",
        "2 a",
        "1 a",
        long("b"),
        long("c"),
        long("b")
    ]);
    let run = json!({ "outputs": [{ "data": { "text": texts } }] });
    let function = "(run) => {
        const keys = itemsOf(run).map(({ key }) => key);
        return [keys.length, new Set(keys).size, keys.every((key) => key.length < 500)];
    }";
    if let Some(found) = evaluate(function, &run) {
        assert_eq!(found, json!([8, 8, true]));
    }
}

#[test]
fn a_format_that_no_browser_shows_is_a_file_under_every_key() {
    let names = [
        "a.psd",
        "a.EXR",
        "a.tif",
        "a.tiff",
        "a.avi",
        "a.heic",
        "a.dng",
        "a.zip",
        "a.safetensors",
        "a.ply",
        "a.7z",
        "a.whatever",
    ];
    let files = names.map(file);
    let data = json!({ "images": files, "gifs": files, "video": files });
    let expected: Vec<_> = names.into_iter().map(|name| ("file", name)).collect();
    assert_items(&json!([{ "data": data }]), &expected.repeat(3));
    // These are no extensions.
    let names = ["picture v1.5", "picture no. 7", "picture."];
    let expected = names.map(|name| ("image", name));
    assert_items(
        &json!([{ "data": { "images": names.map(|name| json!({ "url": "https://x.example/1", "filename": name })) } }]),
        &expected,
    );
}

#[test]
fn a_million_numbers_do_not_hide_what_comes_after_them() {
    let outputs = json!([{ "data": { "seeds": vec![7; 1_000_000] } }, { "data": [file("a.png")] }]);
    assert_items(&outputs, &[("image", "a.png")]);
}

#[test]
fn of_an_output_only_the_first_values_are_looked_at() {
    let function = "() => {
        let looks = 0;
        const count = { get: (values, key) => (looks += 1, values[key]) };
        const numbers = new Proxy(Array(1_000_000).fill(0), count);
        itemsOf({ outputs: [{ data: { numbers } }] });
        return looks < 10_000;
    }";
    if let Some(is_bounded) = evaluate(function, &Value::Null) {
        assert_eq!(is_bounded, true);
    }
}

#[test]
fn at_most_a_thousand_items_are_found() {
    let run = json!({ "outputs": [{ "data": { "text": vec!["a"; 2_000] } }] });
    let function = "(run) => [itemsOf(run).length, countByKind(itemsOf(run))]";
    if let Some(found) = evaluate(function, &run) {
        assert_eq!(found, json!([1_000, "1000 texts, more"]));
    }
}
