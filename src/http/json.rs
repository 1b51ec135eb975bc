//! Writing JSON.

use serde::Serialize;

/// `value` as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value)
        .expect("numbers, text and the JSON that arrived can be written as JSON")
}

/// `value` as the JSON of a whole response. It ends with a newline, so that the prompt of a shell begins on a line of
/// its own.
pub(super) fn to_json_line(value: &impl Serialize) -> Vec<u8> {
    let mut json = to_json(value);
    json.push(b'\n');
    json
}
