//! Outputs that are meant to do harm: what becomes of their URLs and names. The script alone, without a browser.

use serde_json::json;

use super::items::{assert_items, evaluate, file};

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
fn a_url_of_the_page_itself_is_a_file_of_the_name_in_it() {
    let urls = [
        "http://runs.example/api/runs/1?wait=60&x=.png",
        "HTTP://user@Runs.Example:80/a.png",
        "http://runs.example:81/a.png",
        "https://runs.example/a.png",
    ];
    let images = urls.map(|url| json!({ "url": url, "filename": "b.png" }));
    let function = "(images) => {
        globalThis.location = { origin: 'http://runs.example' };
        return itemsOf({ outputs: [{ data: { images } }] }).map(({ kind, name }) => [kind, name]);
    }";
    if let Some(items) = evaluate(function, &json!(images)) {
        let own = [["file", "1"], ["file", "a.png"]];
        assert_eq!(items, json!([own, [["image", "b.png"]; 2]].concat()));
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
