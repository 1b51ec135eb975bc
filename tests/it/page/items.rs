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
fn assert_items(outputs: &Value, expected: &[(&str, &str)]) {
    let function = "(run) => itemsOf(run).map(({ kind, name }) => [kind, name])";
    if let Some(items) = evaluate(function, &json!({ "outputs": outputs })) {
        assert_eq!(items, json!(expected));
    }
}

fn file(name: &str) -> Value {
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
fn a_url_that_is_not_safe_is_a_text() {
    let urls = [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "blob:https://x.example/1",
        "file:///etc/passwd",
        "//x.example/a.png",
    ];
    let outputs =
        urls.map(|url| json!({ "data": { "images": [{ "url": url, "filename": "a.png" }, url] } }));
    let expected = [
        ("text", "a.png (its URL cannot be opened)"),
        ("text", "images"),
    ];
    assert_items(&json!(outputs), &expected.repeat(urls.len()));
}

#[test]
fn an_svg_is_a_file_since_a_short_one_can_keep_the_browser_busy_for_hours() {
    let data = [
        "data:image/svg+xml,<svg/>",
        "data:image/svg+xml;charset=utf-8,<svg/>",
        "DATA:Image/SVG+XML;base64,PHN2Zy8+",
    ];
    let data = data.map(|url| json!({ "url": url, "filename": "a.png" }));
    let web = ["a.svg", "a.SVGZ?v=1.png", "a%2Esvg#b.png"]
        .map(|path| json!({ "url": format!("https://x.example/{path}"), "filename": "a.png" }));
    let named = json!({ "url": "https://x.example/a.png", "filename": "b.svg" });
    assert_items(
        &json!([{ "data": { "images": data } }, { "data": { "images": web } }, { "data": { "gifs": [named] } }]),
        &[
            [("file", "a.png.svg")].repeat(3),
            [("file", "a.png")].repeat(3),
            vec![("file", "b.svg")],
        ]
        .concat(),
    );
}

#[test]
fn the_picture_of_a_data_url_has_a_name_of_its_own_type() {
    let pictures = [
        ("png", "a.png", "a.png"),
        ("PNG;x=y", "a.PNG", "a.PNG"),
        ("jpeg", "a.jpg", "a.jpg"),
        ("jpeg", "a.png", "a.png.jpg"),
        ("gif", "a b", "a b.gif"),
        ("webp", "invoice.html", "invoice.html.webp"),
        ("avif", "setup.bat", "setup.bat.avif"),
        ("bmp", "", "images.bmp"),
        ("apng", "a.png", "a.png"),
    ];
    let images = pictures.map(
        |(kind, name, _)| json!({ "url": format!("data:image/{kind};base64,AA=="), "filename": name }),
    );
    let expected = pictures.map(|(_, _, expected)| ("image", expected));
    assert_items(&json!([{ "data": { "images": images } }]), &expected);
    let others = ["tiff", "exe", "x-icon", "svg"].map(|kind| format!("data:image/{kind},1"));
    let expected = others.each_ref().map(|_| ("file", "images.bin"));
    assert_items(&json!([{ "data": { "images": others } }]), &expected);
}

#[test]
fn characters_that_can_hide_an_extension_are_left_out_of_names() {
    let name = "\u{202e}ph\u{0}o\u{200f}to\u{2066}\r\n\u{61c}\u{85}gnp.exe";
    let url = "https://x.example/a%E2%80%AEb%0A.png";
    let picture = "data:image/png,1";
    let outputs = json!([{ "data": { "images": [
        { "url": "https://x.example/1", "filename": name }, url, { "url": picture, "filename": "\u{202e}" },
        { "url": "x:", "filename": name }
    ] } }, { "data": { "a\u{202e}b": ["a text"] } }]);
    assert_items(
        &outputs,
        &[
            ("file", "photognp.exe"),
            ("image", "ab.png"),
            ("image", "images.png"),
            ("text", "photognp.exe (its URL cannot be opened)"),
            ("text", "ab"),
        ],
    );
}

#[test]
fn a_url_of_the_page_itself_is_a_file() {
    let urls = [
        "http://runs.example/api/runs/1?wait=60&x=.png",
        "HTTP://user@Runs.Example:80/a.png",
        "http://runs.example:81/a.png",
        "https://runs.example/a.png",
    ];
    let function = "(urls) => {
        globalThis.location = { origin: 'http://runs.example' };
        return itemsOf({ outputs: [{ data: { images: urls } }] }).map(({ kind }) => kind);
    }";
    if let Some(kinds) = evaluate(function, &json!(urls)) {
        assert_eq!(kinds, json!(["file", "file", "image", "image"]));
    }
}

#[test]
fn hostile_values_are_skipped_or_become_texts() {
    let mut deep = json!("deep");
    for _ in 0..30 {
        deep = json!([deep]);
    }
    let outputs = json!([
        { "data": deep }, { "data": 7 }, { "data": true }, { "url": 7 },
        { "data": { "images": [null, 7, { "url": { "toString": 1 } }, { "url": "", "filename": [] }] } },
        { "data": { "constructor": ["<b>"], "toString": [file("1")], "__proto__": ["<i>"] } }
    ]);
    assert_items(
        &outputs,
        &[
            ("text", "images (its URL cannot be opened)"),
            ("text", "__proto__"),
            ("text", "constructor"),
            ("file", "1"),
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
fn a_url_longer_than_16_kib_is_a_text() {
    let long = format!("https://x.example/{}.png", "a".repeat(16_384));
    let data = json!({ "images": [{ "url": long, "filename": "a.png" }, long] });
    assert_items(
        &json!([{ "data": data }]),
        &[
            ("text", "a.png (its URL cannot be opened)"),
            ("text", "images"),
        ],
    );
    let picture = format!("data:image/png;base64,{}", "A".repeat(100_000));
    assert_items(
        &json!([{ "data": { "images": [{ "url": picture, "filename": "a.png" }] } }]),
        &[("image", "a.png")],
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
fn a_name_that_is_too_long_keeps_its_extension() {
    let long = format!("{}.glb", "n".repeat(2_000_000));
    let data = json!({ "images": [{ "url": "https://x.example/1", "filename": long }] });
    let run = json!({ "outputs": [{ "data": data }, { "data": { long: ["a text"] } }] });
    let function =
        "(run) => itemsOf(run).map(({ kind, name }) => [kind, name.length, name.endsWith('.glb')])";
    if let Some(found) = evaluate(function, &run) {
        assert_eq!(found, json!([["file", 251, true], ["text", 251, true]]));
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
