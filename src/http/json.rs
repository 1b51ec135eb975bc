//! Writing JSON.

use serde::Serialize;

/// `value` as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::with_capacity(128);
    write_json(&mut json, value);
    json
}

/// Appends `value` as JSON.
pub(super) fn write_json(text: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(text, value)
        .expect("numbers, text and the JSON that arrived can be written as JSON");
}

/// `value` as the JSON of a whole response. It ends with a newline, so that the prompt of a shell begins on a line of
/// its own.
pub(super) fn to_json_line(value: &impl Serialize) -> Vec<u8> {
    let mut json = to_json(value);
    json.push(b'\n');
    json
}

/// The JSON of an object whose field `array` is empty, before and after the place where the items belong.
pub(super) fn split_at_items(value: &impl Serialize, array: &str) -> (Vec<u8>, Vec<u8>) {
    let mut json = to_json(value);
    let empty = format!("\"{array}\":[]");
    // It is in no text: there the quotes are escaped.
    let at = json
        .windows(empty.len())
        .position(|bytes| bytes == empty.as_bytes())
        .expect("the field is there and empty");
    let rest = json.split_off(at + empty.len() - 1);
    (json, rest)
}
