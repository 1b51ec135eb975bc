//! The documents for users, and the code in them.

use super::read;

pub(crate) const README: &str = "README.md";
pub(crate) const OPERATIONS: &str = ".github/OPERATIONS.md";

/// The address of the service in the documents.
pub(crate) const SERVICE: &str = "127.0.0.1:8080";

/// A text without its line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a document that are not in code blocks.
pub(crate) fn prose(document: &str) -> Vec<String> {
    let mut is_code = false;
    let text = read(document);
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.map(str::to_owned).collect()
}

/// The code blocks of a document in one language, which is empty where the document names none.
pub(crate) fn code_blocks(document: &str, language: &str) -> Vec<String> {
    let text = read(document);
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(found) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().take_while(|line| *line != "```");
        let block: String = block.flat_map(|line| [line, "\n"]).collect();
        if found == language {
            blocks.push(block);
        }
    }
    blocks
}

/// The one code block of a document in a language that holds `part`.
pub(crate) fn code_block(document: &str, language: &str, part: &str) -> String {
    let mut blocks = code_blocks(document, language);
    blocks.retain(|block| block.contains(part));
    assert_eq!(blocks.len(), 1, "{part} in {document}");
    blocks.remove(0)
}
