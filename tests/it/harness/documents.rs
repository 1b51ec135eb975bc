//! The documents for users, and the code in them.

use super::read;

pub(crate) const README: &str = "README.md";
pub(crate) const OPERATIONS: &str = ".github/OPERATIONS.md";

/// The code blocks of a document in one language.
pub(crate) fn code_blocks(document: &str, language: &str) -> Vec<String> {
    let text = read(document);
    let opening = format!("\n```{language}\n");
    let blocks = text.split(&opening).skip(1);
    let blocks = blocks.map(|block| block.split_once("```").expect("it is closed").0);
    blocks.map(str::to_owned).collect()
}
