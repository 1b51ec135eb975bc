//! What the tests share: a server in the test, the program as a process, raw sockets, updates to send,
//! and the documents that are checked.

mod command_line;
mod documents;
mod fixtures;
mod folder;
mod process;
mod raw;
mod server;
mod wait;

use std::process::Command;

pub(crate) use self::{
    command_line::{error_line, flags},
    documents::{OPERATIONS, README, SERVICE, code_block, code_blocks, one_line, prose},
    fixtures::{
        DOCUMENTED_RUN, WIRE_RUN, file_with, files, fixtures, ids, read, root, run_id, update,
    },
    folder::Folder,
    process::{OwnChild, Process, allow_open_files, output, output_for, text},
    raw::{
        assert_healthy, assert_status, connect_not_reading, get, head, read_status, read_to_end,
        send, update_head,
    },
    server::{Server, assert_nothing_stored, detail, problem},
    wait::{until, with_timeout},
};

pub(crate) const WEBHOOK: &str = "/api/webhooks/run-update";

/// Whether a program that a test needs is installed. If not, the test is skipped and says so.
pub(crate) fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    is_found(program, found)
}

/// Whether Node and the packages of `tests/clients` are installed. If not, the test is skipped and says so.
pub(crate) fn has_node_packages() -> bool {
    let found = root("tests/clients/node_modules").is_dir();
    is_installed("node") && is_found("tests/clients/node_modules (npm ci)", found)
}

/// Python with a package. `PYTHON` names another one than `python3`. If it is missing, the test is skipped and says so.
pub(crate) fn python_with(package: &str) -> Option<Command> {
    let program = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let imported = Command::new(&program)
        .args(["-c", &format!("import {package}")])
        .output();
    let found = imported.is_ok_and(|output| output.status.success());
    is_found(&format!("{package} for Python"), found).then(|| Command::new(program))
}

/// Whether what a test needs is there. If not, the test is skipped and says so.
pub(crate) fn is_found(needed: &str, found: bool) -> bool {
    let is_required = std::env::var_os("REQUIRE_EVERY_TEST").is_some();
    assert!(found || !is_required, "{needed} is missing");
    if !found {
        println!("skipped: {needed} is not installed");
    }
    found
}
