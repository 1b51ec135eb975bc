//! The rooms of the house: each uses only what is below it.

use std::{collections::BTreeSet, fs, path::Path};

use crate::harness::{read, root};

/// From the door to the cellar. Files on one line do not know each other.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["server", "healthcheck", "simulate"],
    &["simulate::tally", "simulate::screen"],
    &["simulate::sender", "simulate::schedule"],
    &["simulate::script"],
    &["simulate::output"],
    &["simulate::picture"],
    &["simulate::dice"],
    &["http"],
    &["http::connections", "http::openapi"],
    &["http::events"],
    &["http::events::all", "http::events::one"],
    &["http::events::event", "http::events::telling"],
    &["http::ops", "http::page", "http::runs", "http::webhook"],
    &["http::auth", "http::cors", "http::measure", "http::wait"],
    &["http::panics"],
    &["http::state"],
    &["http::subscribers"],
    &[
        "http::answer",
        "http::body",
        "http::described",
        "http::parameters",
        "http::rules",
        "http::timed",
    ],
    &["http::deadlines"],
    &["http::budget", "http::pace", "http::problem"],
    &["ingest"],
    &["store::tests"],
    &["store"],
    &["store::follower", "store::watchers"],
    &["store::runs::news"],
    &["store::runs"],
    &["store::by_id"],
    &["store::kept", "store::recency"],
    &["store::feed", "store::index"],
    &["run"],
    &["config"],
    &["config::simulate"],
    &["config::receiver", "config::values"],
    &["client", "metrics", "shutdown", "telemetry", "tokens"],
];

/// Inside `run` the parser of updates and its error know each other, so the room is one layer; what it
/// must not know is the world.
const WORLD: &[&str] = &[
    "axum",
    "tokio",
    "hyper",
    "tracing",
    "std::net",
    "std::fs",
    "std::io",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant",
    "Timestamp::now",
];

/// The module a file of `src` holds: `http::runs` for `src/http/runs.rs`.
fn module_of(file: &str) -> String {
    let name = file.trim_end_matches(".rs").trim_end_matches("/mod");
    name.replace('/', "::")
}

fn layer_of(module: &str) -> Option<usize> {
    let known = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    known(module).or_else(|| {
        known(module.split("::").next().unwrap()).filter(|_| module.starts_with("run::"))
    })
}

/// What a file uses of the crate, as modules.
fn used_by(module: &str, source: &str) -> BTreeSet<String> {
    let (code, _) = source
        .split_once("#[cfg(test)]\nmod tests {")
        .unwrap_or((source, ""));
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.replace(' ', "");
    let mut used = BTreeSet::new();
    for (prefix, base) in [
        ("crate::", ""),
        ("comfydeploy_webhook::", ""),
        ("super::", parent_of(module)),
        ("self::", module),
    ] {
        for (at, _) in code.match_indices(prefix) {
            if code[..at].ends_with("super::") {
                // The one before it was followed here.
                continue;
            }
            let (mut base, mut rest) = (base, &code[at + prefix.len()..]);
            while let Some(further) = rest.strip_prefix("super::") {
                (base, rest) = (parent_of(base), further);
            }
            for path in paths(rest).0 {
                used.extend(room_of(&format!("{base}::{path}")));
            }
        }
    }
    used.remove(module);
    used
}

fn parent_of(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// The innermost module that a path leads through.
fn room_of(path: &str) -> Option<String> {
    let mut path = path.trim_matches(':');
    while layer_of(path).is_none() && !path.is_empty() {
        path = parent_of(path);
    }
    (!path.is_empty()).then(|| path.to_owned())
}

/// The paths that a path with braced lists in it stands for, and what follows it.
fn paths(text: &str) -> (Vec<String>, &str) {
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut all = Vec::new();
        loop {
            let (some, after) = paths(rest);
            all.extend(some);
            rest = match after.strip_prefix(',') {
                Some(more) if !more.starts_with('}') => more,
                _ => return (all, after.trim_start_matches([',', '}'])),
            };
        }
    }
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(inner) = rest.strip_prefix("::") else {
        return (vec![name.to_owned()], rest);
    };
    let (inner, rest) = paths(inner);
    let joined = inner.into_iter().map(|path| format!("{name}::{path}"));
    (joined.collect(), rest)
}

/// Each use of a room that is not below.
fn upward(files: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, source) in files {
        let module = module_of(file);
        let Some(layer) = layer_of(&module) else {
            wrong.push(format!("{file} has no place in LAYERS"));
            continue;
        };
        for used in used_by(&module, source) {
            let below = layer_of(&used).is_some_and(|used| used > layer);
            let same_room = module.starts_with("run") && used.starts_with("run");
            if !below && !same_room {
                wrong.push(format!("{file} uses {used}, which is not below it"));
            }
        }
    }
    wrong
}

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, files: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let path = path.strip_prefix(root("src")).unwrap();
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let mut files = Vec::new();
    collect(&root("src"), &mut files);
    files.retain(|file| file != "lib.rs");
    files
        .into_iter()
        .map(|file| (file.clone(), read(&format!("src/{file}"))))
        .collect()
}

#[test]
fn no_room_uses_one_that_is_not_below_it() {
    assert_eq!(upward(&sources()), Vec::<String>::new());
}

#[test]
fn an_upward_use_is_found_however_it_is_written() {
    for (file, source) in [
        ("store/mod.rs", "use crate::http::App;"),
        ("store/mod.rs", "use crate::{run::Run, ingest::Ingest};"),
        ("store/runs.rs", "use super::super::server;"),
        ("store/runs.rs", "use super::Limits;"),
        (
            "http/events/all.rs",
            "use crate::{http::{budget::Share, events, state::App}, run::Run};",
        ),
        ("run/state.rs", "fn f() { crate::store::f() }"),
        ("http/problem.rs", "use super::runs::show;"),
        ("http/runs.rs", "use super::{problem::Problem, webhook};"),
        ("config.rs", "use crate::{\n    run::Run,\n};"),
        (
            "run/mod.rs",
            "#[cfg(test)]\nmod laws;\nuse crate::store::Store;",
        ),
        ("new_room.rs", ""),
    ] {
        let found = upward(&[(file.to_owned(), source.to_owned())]);
        assert_eq!(found.len(), 1, "{file}: {source}: {found:?}");
    }
}

#[test]
fn the_core_knows_nothing_of_the_world() {
    for (file, source) in sources() {
        if file.starts_with("run/") {
            for word in WORLD {
                let code = source
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                assert!(
                    code.clone().all(|line| !line.contains(word)),
                    "{file} knows {word}"
                );
            }
        }
    }
}
