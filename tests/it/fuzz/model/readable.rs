//! A second, simpler check that every reader can read an output: it decodes each text.

/// Whether valid JSON has at most 128 levels, and no text with half of a character.
pub(super) fn is_readable(json: &str) -> bool {
    let (mut levels, mut deepest) = (0, 0);
    let (mut text, mut is_escaped) = (None, false);
    for (at, c) in json.char_indices() {
        match (c, text) {
            (_, Some(_)) if is_escaped => is_escaped = false,
            ('\\', Some(_)) => is_escaped = true,
            ('"', None) => text = Some(at),
            ('"', Some(start)) => {
                if serde_json::from_str::<String>(&json[start..=at]).is_err() {
                    return false;
                }
                text = None;
            }
            ('[' | '{', None) => {
                levels += 1;
                deepest = deepest.max(levels);
            }
            (']' | '}', None) => levels -= 1,
            _ => {}
        }
    }
    deepest <= 128
}
