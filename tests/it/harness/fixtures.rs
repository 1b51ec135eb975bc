//! Updates to send, files of the project, and files that a test writes.

use std::path::PathBuf;

use serde_json::{Value, json};

/// The run that the fixtures in the wire dialect are about.
pub(crate) const WIRE_RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// The run that the fixtures in the documented dialect are about.
pub(crate) const DOCUMENTED_RUN: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// The id of the nth run of a test.
pub(crate) fn run_id(n: usize) -> String {
    format!("7c9e6679-7425-40de-944b-{n:012}")
}

/// An update of the nth run.
pub(crate) fn update(n: usize, status: &str) -> String {
    json!({"run_id": run_id(n), "status": status}).to_string()
}

/// The ids of runs as they are shown.
pub(crate) fn ids(runs: &[Value]) -> Vec<&str> {
    runs.iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect()
}

/// The name and the content of every fixture whose name starts with `prefix`, sorted by name.
pub(crate) fn fixtures(prefix: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = std::fs::read_dir(root("tests/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix))
        .map(|name| (name.clone(), read(&format!("tests/fixtures/{name}"))))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no fixture is called {prefix}*");
    found
}

/// A path from the root of the project.
pub(crate) fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of a folder of the project and of all folders in it, sorted, from the root of the project.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The content of a file of the project.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap()
}

/// The path of a new file with this content. Each test has its own names.
pub(crate) fn file_with(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
