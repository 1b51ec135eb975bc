//! `.github/comfydeploy-webhook.service`.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use bytesize::ByteSize;

use super::{assert_ends_before, assert_is_enough_memory, config};
use crate::{
    harness::{Folder, file_with, is_found, is_installed, output, read, root, text},
    packaging::value_of,
};

const FILE: &str = ".github/comfydeploy-webhook.service";

/// The values of a setting, in order.
fn settings(name: &str) -> Vec<String> {
    let unit = read(FILE);
    let prefix = format!("{name}=");
    let values = unit.lines().filter_map(|line| line.strip_prefix(&prefix));
    values.map(ToOwned::to_owned).collect()
}

/// The version of systemd that is installed.
async fn version() -> Option<u32> {
    let mut analyze = Command::new("systemd-analyze");
    analyze.arg("--version");
    let printed = tokio::process::Command::from(analyze).output().await.ok()?;
    let printed = text(&printed.stdout).strip_prefix("systemd ")?;
    printed.split_whitespace().next()?.parse().ok()
}

#[tokio::test]
async fn systemd_knows_every_setting_of_the_unit_and_finds_it_confined() {
    if !is_found("systemd 250", version().await >= Some(250)) {
        return;
    }
    // Where its program is, for this check.
    let program = value_of(&read(FILE), "ExecStart=");
    let unit = read(FILE).replace(&program, env!("CARGO_BIN_EXE_comfydeploy-webhook"));
    let unit = file_with("comfydeploy-webhook.service", &unit);
    let analyze = async |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).arg(&unit);
        output(command).await
    };
    let verified = analyze(&["verify", "--man=no", "--recursive-errors=no"]).await;
    assert!(verified.status.success(), "{verified:?}");
    // Ten times the exposure, which is from 0.0 to 10.0.
    let secured = analyze(&["security", "--offline=true", "--threshold=15", "--no-pager"]).await;
    assert!(secured.status.success(), "{}", text(&secured.stdout));
}

#[test]
fn the_unit_fits_the_service() {
    let variable = |setting: &String| {
        let (name, value) = setting.split_once('=').unwrap();
        (name.to_owned(), value.replace("%S", "/var/lib"))
    };
    let mut variables: BTreeMap<_, _> = settings("Environment").iter().map(variable).collect();
    for (name, credential) in [
        ("WEBHOOK_TOKEN", "webhook-token"),
        ("READ_TOKEN", "read-token"),
    ] {
        let file = variables.get_mut(&format!("{name}_FILE")).unwrap();
        assert_eq!(*file, format!("%d/{credential}"));
        *file = file_with(credential, "a-token\n");
    }
    let config = config(&variables);
    assert!(config.webhook_tokens.is_some() && config.read_tokens.is_some());
    let [memory] = <[String; 1]>::try_from(settings("MemoryMax")).unwrap();
    // systemd means 1024 x 1024 bytes by `M`.
    let memory: ByteSize = memory.replace('M', "MiB").parse().unwrap();
    assert_is_enough_memory(&config, memory);
    let stop = value_of(&read(FILE), "TimeoutStopSec=");
    let stop: jiff::SignedDuration = stop.parse().unwrap();
    assert_ends_before(&config, stop.unsigned_abs());
    let files: usize = value_of(&read(FILE), "LimitNOFILE=").parse().unwrap();
    assert!(files >= 2 * config.max_connections, "{files}");
}

/// A container with the /usr of this machine and nothing else of it.
fn container() -> Command {
    let mut container = Command::new("systemd-nspawn");
    container.args([
        "--quiet",
        "--directory=/",
        "--volatile=yes",
        "--private-network",
        "--console=pipe",
        "--register=no",
        "--keep-unit",
        "--link-journal=no",
        &format!("--machine=unit-{}", std::process::id()),
    ]);
    container
}

/// Whether this process may start a container: root may, unless it is in one that forbids it. If not, the test is
/// skipped and says so.
async fn may_boot() -> bool {
    if !is_installed("systemd-nspawn") {
        return false;
    }
    let mut container = container();
    container.args(["--as-pid2", "true"]);
    let started = output(container).await;
    if !started.status.success() {
        println!("skipped: no container can be started: {started:?}");
    }
    started.status.success()
}

/// Starts systemd in a container, until the unit `check` has ended. Returns what that printed.
async fn boot(folder: &Folder) -> String {
    let mut container = container();
    container.arg("--boot");
    let mut bind = |from: &Path, to: &str| {
        container.arg(format!("--bind={}:{to}", from.display()));
    };
    bind(&folder.path("bin"), "/usr/local/bin");
    bind(&folder.path("etc"), "/etc/comfydeploy-webhook");
    bind(&folder.path("out"), "/out");
    for unit in ["comfydeploy-webhook.service", "check.service"] {
        bind(&folder.path(unit), &format!("/etc/systemd/system/{unit}"));
    }
    container.arg("systemd.unit=check.service");
    let ended = output(container).await;
    let printed = fs::read_to_string(folder.path("out/log"));
    let printed = printed.unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert!(ended.status.success(), "{printed}\n{ended:?}");
    printed
}

#[tokio::test]
async fn under_systemd_the_unit_serves_confined_restarts_and_keeps_its_runs() {
    if !may_boot().await || !is_installed("curl") {
        return;
    }
    let folder = Folder::new();
    for name in ["bin", "etc", "out"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    let program = env!("CARGO_BIN_EXE_comfydeploy-webhook");
    fs::copy(program, folder.path("bin/comfydeploy-webhook")).unwrap();
    fs::copy(root(FILE), folder.path("comfydeploy-webhook.service")).unwrap();
    fs::write(folder.path("etc/webhook-token"), "hook\n").unwrap();
    fs::write(folder.path("etc/read-token"), "reader\n").unwrap();
    fs::write(folder.path("etc/environment"), "LOG_FORMAT=json\n").unwrap();
    fs::write(folder.path("check.service"), include_str!("check.service")).unwrap();
    fs::write(folder.path("bin/check"), include_str!("check.sh")).unwrap();
    let printed = boot(&folder).await;
    for line in [
        "no new privileges: 1",
        "capabilities: 0000000000000000",
        "seccomp: 2",
        "owner of the database: not root",
        r#"after a kill: "status":"processing""#,
        "without a token: failed",
    ] {
        assert!(
            printed.lines().any(|found| found == line),
            "{line}\n{printed}"
        );
    }
}
