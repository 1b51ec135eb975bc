//! Whether the links between the documents lead somewhere.

use std::collections::HashSet;

use crate::harness::{OPERATIONS, README, prose, read, root};

const DOCUMENTS: [&str; 6] = [
    README,
    OPERATIONS,
    ".github/CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "benches/README.md",
];

/// The anchors of the headings, as GitHub makes them.
fn anchors(document: &str) -> HashSet<String> {
    let headings = prose(document)
        .into_iter()
        .filter(|line| line.starts_with('#'));
    let of_heading = |heading: String| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(of_heading).collect()
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    for document in DOCUMENTS {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = prose(document).join(" ");
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').expect(link);
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.to_owned(),
                file if file.starts_with("../") => file.trim_start_matches("../").to_owned(),
                file if folder.is_empty() => file.to_owned(),
                file => format!("{folder}/{file}"),
            };
            assert!(root(&target).exists(), "{document}: {link}");
            assert!(
                anchor.is_empty() || anchors(&target).contains(anchor),
                "{document}: {link}"
            );
        }
    }
}

#[test]
fn the_readme_is_short() {
    let lines = read(README).lines().count();
    assert!(lines <= 300, "{lines}");
}
