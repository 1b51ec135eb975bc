//! The files of `.github` that run the service elsewhere. Programs that understand them check them, and what they say of
//! the service has to be true.

mod compose;
mod kubernetes;
mod litestream;
mod systemd;

use std::{collections::BTreeMap, ffi::OsString, process::Command, time::Duration};

use bytesize::ByteSize;
use comfydeploy_webhook::{cli::Cli, config::Config};

use crate::harness::{OPERATIONS, Server, flags, is_found, one_line, read, root};

/// How long the end of the process waits for the last lines of the log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What the service makes of variables. Each has to be one of its own.
fn config(variables: &BTreeMap<String, String>) -> Config {
    let flags = flags();
    let of_flags = flags.iter().map(|flag| flag.get_env().unwrap());
    let known: Vec<_> = of_flags
        .map(|name| name.to_str().unwrap())
        .chain(["PORT", "READ_TOKEN", "WEBHOOK_TOKEN"])
        .collect();
    for name in variables.keys() {
        assert!(known.contains(&&**name), "the service knows no {name}");
    }
    let variable = |name: &str| variables.get(name).map(OsString::from);
    Cli::read([], variable).unwrap().config
}

/// Checks that the memory is what is advised for these limits and a database.
fn assert_is_enough_memory(config: &Config, given: ByteSize) {
    const MIB: usize = 1 << 20;
    // The formula, rounded up as there.
    let needed = config.max_bytes + config.max_bytes / 4 + config.max_in_flight * 5 / 2 + 96 * MIB;
    let advised = needed.next_multiple_of(64 * MIB);
    assert_eq!(given.as_u64(), advised as u64, "{needed} bytes are needed");
    let advice = format!("give the container {} MiB", advised / MIB);
    assert!(one_line(&read(OPERATIONS)).contains(&advice), "{advice}");
}

/// Checks that the service has ended by itself before it is killed.
fn assert_ends_before(config: &Config, killed: Duration) {
    let ended = config.drain_delay + config.drain_timeout + LAST_LINES;
    assert!(ended < killed, "{ended:?} of {killed:?}");
}

/// Checks that the service answers probes at this path.
async fn assert_is_probe(path: &str) {
    let server = Server::start().await;
    server.until_ready().await;
    let response = server.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.text().await.unwrap(), "ok\n", "{path}");
}

/// A program that `.ci/requirements.txt` installs, beside the Python that PYTHON names: other versions may do other
/// things. If it is missing, the test is skipped and says so.
fn python_tool(name: &str) -> Option<Command> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "target/ci-tools/bin/python".into());
    let program = root("").join(python).with_file_name(name);
    is_found(name, program.exists()).then(|| Command::new(program))
}
