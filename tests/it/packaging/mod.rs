//! Facts that more than one file states have to agree.

#[cfg(feature = "sqlite")]
mod deploy;
mod image;
mod release;
mod workflows;

use serde_json::Value;

use crate::harness::read;

/// What follows `prefix` on the one line that starts with it.
fn value_of(text: &str, prefix: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let value = lines.next().expect(prefix);
    assert!(lines.next().is_none(), "{prefix} is there twice");
    value.to_owned()
}

/// The documents of a file of the project in YAML.
fn documents(file: &str) -> Vec<Value> {
    let documents = serde_saphyr::from_multiple(&read(file));
    documents.unwrap_or_else(|error| panic!("{file}: {error}"))
}
