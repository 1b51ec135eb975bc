//! The order of the modules: `src/lib.rs` and `src/http/mod.rs` list them from the entry point down, in groups,
//! and a module uses only those of later groups.

use std::{collections::BTreeSet, fs, path::Path};

use syn::{
    Attribute, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

use crate::harness::{read, root};

/// What `run` must not know: it has no clock and does no I/O.
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
    "std::time",
    "jiff::Timestamp::now",
];

/// The modules that a file declares, in groups that empty lines separate.
fn groups(source: &str) -> Vec<Vec<&str>> {
    let declared = |line: &str| line.ends_with(';') && line.contains("mod ");
    source
        .split("\n\n")
        .map(|group| {
            let lines = group.lines().filter(|line| declared(line));
            lines
                .map(|line| line.trim_end_matches(';').rsplit(' ').next().unwrap())
                .collect::<Vec<_>>()
        })
        .filter(|group| !group.is_empty())
        .collect()
}

/// Every path that a source names outside its tests, from the root of the crate where it is one of the crate.
struct Paths {
    module: Vec<String>,
    found: BTreeSet<String>,
}

impl Paths {
    fn of(file: &str, source: &str) -> BTreeSet<String> {
        let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let mut paths = Self {
            module: module.split('/').map(str::to_owned).collect(),
            found: BTreeSet::new(),
        };
        paths.visit_file(&syn::parse_file(source).expect(file));
        paths.found
    }

    fn add(&mut self, path: &[String]) {
        let mut base = self.module.clone();
        let mut rest = path;
        let in_crate = loop {
            match rest.split_first() {
                Some((first, others)) if first == "super" => {
                    base.pop();
                    rest = others;
                }
                Some((first, others)) if first == "self" => rest = others,
                Some((first, others)) if first == "crate" || first == "comfydeploy_webhook" => {
                    base.clear();
                    rest = others;
                }
                _ => break rest.len() < path.len(),
            }
        };
        if in_crate {
            base.extend(rest.iter().cloned());
            self.found.insert(format!("crate::{}", base.join("::")));
        } else {
            self.found.insert(path.join("::"));
        }
    }

    fn add_tree(&mut self, tree: &UseTree, mut path: Vec<String>) {
        match tree {
            UseTree::Path(next) => {
                path.push(next.ident.to_string());
                self.add_tree(&next.tree, path);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, path.clone());
                }
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.add(&path);
            }
            UseTree::Rename(renamed) => {
                path.push(renamed.ident.to_string());
                self.add(&path);
            }
            UseTree::Glob(_) => self.add(&path),
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .meta
                .require_list()
                .is_ok_and(|cfg| cfg.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(&names);
        visit::visit_path(self, path);
    }
}

/// The sources under a folder of `src`, by path.
fn sources(folder: &str) -> Vec<(String, String)> {
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
    collect(&root("src").join(folder), &mut files);
    files
        .into_iter()
        .map(|file| (file.clone(), read(&format!("src/{file}"))))
        .collect()
}

/// Each use of a module that is not in a later group. `parent` is where they are declared: the root of the crate,
/// or a module with a `::` behind it.
fn upward(parent: &str, groups: &[Vec<&str>], files: &[(String, String)]) -> Vec<String> {
    let group_of = |name: &str| groups.iter().position(|group| group.contains(&name));
    let mut wrong = Vec::new();
    for (file, source) in files {
        let inner = file
            .strip_prefix(&parent.replace("::", "/"))
            .unwrap_or(file);
        let module = inner.split(['/', '.']).next().unwrap();
        let Some(group) = group_of(module) else {
            wrong.push(format!("{file} is in no group"));
            continue;
        };
        for path in Paths::of(file, source) {
            let used = path
                .strip_prefix("crate::")
                .and_then(|p| p.strip_prefix(parent));
            let used = used.and_then(|path| path.split("::").next());
            if let Some(used) = used
                && used != module
                && group_of(used).is_some_and(|used| used <= group)
            {
                wrong.push(format!("{file} uses {path}, which is not below it"));
            }
        }
    }
    wrong
}

#[test]
fn no_module_uses_one_that_is_not_below_it() {
    for (list, parent) in [("lib.rs", ""), ("http/mod.rs", "http::")] {
        let list = read(&format!("src/{list}"));
        let mut files = sources(&parent.replace("::", "/"));
        files.retain(|(file, _)| {
            !["lib.rs", "main.rs", "http/mod.rs"].contains(&file.as_str())
                && !file.starts_with("testing/")
                && !file.contains("/tests/")
        });
        let groups = groups(&list);
        assert!(groups.len() > 3, "{groups:?}");
        assert_eq!(upward(parent, &groups, &files), Vec::<String>::new());
    }
}

/// Declarations, and uses of modules by files: the first ones point upward, the others do not.
const ROOT: &str = "mod server;\n\nmod http;\n\nmod ingest;\n\nmod store;\n\nmod run;\n";
const HTTP: &str = "mod router;\n\nmod ops;\nmod read;\n\nmod app;\n\nmod problem;\n";
const UPWARD: &str = "
    store/mod.rs: use crate::http::App;
    store/mod.rs: use crate::{run::Run, ingest::Ingest};
    store/runs.rs: use super::super::server;
    run/state.rs: fn f() { crate::store::f() }
    run/mod.rs: #[cfg(test)] mod laws; use crate::store::Store;
    new_module.rs: fn f() {}
    http/problem.rs: use super::read::show;
    http/read/runs.rs: use crate::http::{ops, app::App};
    http/read/events/all.rs: use super::super::super::router;";
const DOWNWARD: &str = "
    store/runs.rs: use super::{Limits, listing::Listing}; use crate::run::Run;
    http/read/runs.rs: use crate::http::app::App; #[cfg(test)] mod tests { use crate::server; }";

#[test]
fn an_upward_use_is_found_however_it_is_written() {
    for (uses, expected) in [(UPWARD, 1), (DOWNWARD, 0)] {
        for line in uses.trim().lines() {
            let (file, source) = line.trim().split_once(": ").unwrap();
            let files = [(file.to_owned(), source.to_owned())];
            let mut found = upward("", &groups(ROOT), &files);
            if file.starts_with("http/") {
                found.extend(upward("http::", &groups(HTTP), &files));
            }
            assert_eq!(found.len(), expected, "{line}: {found:?}");
        }
    }
}

#[test]
fn run_does_no_io_and_reads_no_clock() {
    for (file, source) in sources("run") {
        for path in Paths::of(&file, &source) {
            let known = WORLD.iter().find(|world| path.starts_with(*world));
            assert_eq!(known, None, "{file} knows {path}");
        }
    }
}
