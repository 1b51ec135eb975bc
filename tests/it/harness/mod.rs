//! What the tests share: a server in the test, the program as a process, raw sockets, and updates to send.

mod command_line;
mod fixtures;
mod process;
mod raw;
mod server;
mod wait;

use std::process::Command;

pub(crate) use self::{
    command_line::{error_line, flags},
    fixtures::{DOCUMENTED_RUN, WIRE_RUN, fixtures, ids, read, root, run_id, update},
    process::{Process, allow_open_files, output, text},
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
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("REQUIRE_EVERY_TEST").is_none(),
        "{program} is missing"
    );
    println!("skipped: {program} is not installed");
    false
}
