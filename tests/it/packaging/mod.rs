//! Facts that more than one file states have to agree.

mod image;
mod workflows;

use crate::harness::read;

/// What follows `prefix` on the one line that starts with it.
fn value_of(text: &str, prefix: &str) -> String {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let value = lines.next().expect(prefix);
    assert!(lines.next().is_none(), "{prefix} is there twice");
    value.to_owned()
}

#[test]
fn the_version_is_stated_once() {
    let version = env!("CARGO_PKG_VERSION");
    for file in [
        "Dockerfile",
        "README.md",
        ".github/workflows/ci.yml",
        ".ci/run",
    ] {
        assert!(
            !read(file).contains(version),
            "{file} states the version too"
        );
    }
}
