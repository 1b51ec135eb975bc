//! Facts that more than one file states have to agree.

#[cfg(feature = "sqlite")]
mod deploy;
mod image;
mod release;
mod workflows;

use serde_json::Value;

use crate::harness::{files, read};

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

#[test]
fn every_file_in_yaml_can_be_parsed() {
    let files = files(".github");
    let is_yaml = |file: &&String| {
        file.rsplit('.')
            .next()
            .is_some_and(|end| end == "yml" || end == "yaml")
    };
    let files: Vec<_> = files.iter().filter(is_yaml).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert!(!documents(file).is_empty(), "{file}");
    }
}

#[test]
fn the_version_is_stated_once() {
    let version = env!("CARGO_PKG_VERSION");
    for file in [
        "Dockerfile",
        "README.md",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        ".ci/run",
    ] {
        assert!(
            !read(file).contains(version),
            "{file} states the version too"
        );
    }
}
