//! Runs every command that the documents show.

use std::{env, ffi::OsString, fs, path::Path, process::Command};

use crate::harness::{
    Folder, OPERATIONS, Process, README, SERVICE, code_blocks, is_installed, prose, text,
};

/// Stand-ins for programs: cargo runs the program as it was built for the tests, and there is no Docker.
const STAND_INS: &str = r#"
    cargo() {
        [ "$1" != test ] || return 0
        [ "$1 $2" = "run --release" ] || exit 9
        shift 2
        [ "${1:-}" != -- ] || shift
        exec comfydeploy-webhook "$@"
    }
    docker() { :; }
    openssl() { echo 5ecret; }
"#;

/// The commands of every console block, each with the output that the document shows.
fn commands(document: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for block in code_blocks(document, "console") {
        for step in block.split("$ ").skip(1) {
            let mut command = String::new();
            let mut lines = step.lines();
            for line in lines.by_ref() {
                command += line;
                command.push('\n');
                let is_closed = |quote| command.matches(quote).count().is_multiple_of(2);
                if !line.ends_with('\\') && is_closed('\'') && is_closed('"') {
                    break;
                }
            }
            commands.push((command, lines.collect::<Vec<_>>().join("\n")));
        }
    }
    commands
}

/// The text with every time in it replaced by the same one.
fn without_times(text: &str) -> String {
    const TIME: &str = "2026-03-01T12:00:00.000Z";
    let is_time = |text: &str| {
        text.chars().zip(TIME.chars()).all(|(found, expected)| {
            found == expected || found.is_ascii_digit() && expected.is_ascii_digit()
        })
    };
    let mut text = text.to_owned();
    for at in 0..text.len() {
        let end = at + TIME.len();
        if text.get(at..end).is_some_and(is_time) {
            text.replace_range(at..end, TIME);
        }
    }
    text
}

/// Where programs are looked for: first where the service is.
fn search_path() -> OsString {
    let service = Path::new(env!("CARGO_BIN_EXE_comfydeploy-webhook"));
    let mut folders = vec![service.parent().unwrap().to_owned()];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap()
}

/// A shell with the stand-ins that runs these commands in the folder.
fn shell(commands: &str, folder: &Folder) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-euc", &format!("{STAND_INS}\n{commands}")]);
    shell.current_dir(folder);
    shell.env_clear().env("PATH", search_path());
    shell
}

/// Runs commands, which have to succeed, with the address of a service in the place of that in the documents.
fn printed(commands: &str, service: &Process, folder: &Folder) -> String {
    let address = service.address.to_string();
    let commands = commands
        .replace(SERVICE, &address)
        .replace("curl ", "curl --silent --show-error ");
    let output = shell(&commands, folder)
        .env("LISTEN", address)
        .output()
        .unwrap();
    assert!(output.status.success(), "{commands}: {output:?}");
    text(&output.stdout).to_owned()
}

fn serve(folder: &Folder, flags: &str) -> Process {
    Process::start(shell(
        &format!("exec comfydeploy-webhook --listen 127.0.0.1:0 {flags}"),
        folder,
    ))
}

#[test]
fn every_command_prints_what_the_document_shows() {
    if !is_installed("curl") {
        return;
    }
    let has_sqlite3 = is_installed("sqlite3");
    for (document, at_least) in [(README, 2), (OPERATIONS, 8)] {
        let folder = Folder::new();
        let service = serve(&folder, "--database-url sqlite:runs.db");
        let commands = commands(document);
        assert!(commands.len() >= at_least, "{commands:?}");
        for (command, shown) in commands {
            if command.starts_with("sqlite3 ") && !has_sqlite3 {
                continue;
            }
            assert_eq!(
                without_times(printed(&command, &service, &folder).trim_end()),
                without_times(&shown),
                "{command}"
            );
        }
    }
}

/// The commands within the text of a document that run the program or ask it. Those for Docker are run by `.ci/smoke`.
fn inline_commands(document: &str) -> Vec<String> {
    let text = prose(document).join(" ");
    let code = text.split('`').skip(1).step_by(2);
    let commands = code.filter(|code| {
        let words = code.split(' ').skip_while(|word| word.contains('='));
        matches!(
            words.take(2).collect::<Vec<_>>()[..],
            ["cargo", "run"] | ["curl", _]
        )
    });
    // The tests choose the port.
    commands
        .map(|command| command.replace("--listen 3000", ""))
        .collect()
}

#[test]
fn every_command_without_output_succeeds() {
    if !is_installed("curl") {
        return;
    }
    let inline = inline_commands(README);
    assert!(inline.len() >= 4, "{inline:?}");
    let blocks = [README, OPERATIONS].map(|document| code_blocks(document, "sh"));
    for block in blocks.into_iter().flatten().chain(inline) {
        let folder = Folder::new();
        if block.contains("api.comfydeploy.com") {
            // The page shows the same request, and its tests run it.
        } else if block.contains("simulate") {
            let service = serve(&folder, "");
            let quick = block.replace("simulate", "simulate --speed 1000");
            assert!(printed(&quick, &service, &folder).contains(" 0 lost;"));
        } else if block.contains("cargo run") {
            let mut command = shell(&block, &folder);
            command.env("LISTEN", "127.0.0.1:0");
            let (code, _) = Process::start(command).stop();
            assert_eq!(code, Some(0), "{block}");
        } else if block.contains("export WEBHOOK_TOKEN") {
            let tokens = "--webhook-token-file token --read-token-file token";
            fs::write(folder.path("token"), "5ecret").unwrap();
            let service = serve(&folder, tokens);
            let shown = printed(&block, &service, &folder);
            let url = shown
                .trim_end()
                .replacen("https", "http", 1)
                .replace("runs.example.com", SERVICE);
            let update = format!("curl --fail --json '{{}}' {url}");
            assert_eq!(
                printed(&update, &service, &folder),
                r#"{"status":"success"}"#.to_owned() + "\n"
            );
        } else {
            let command = block.replace("$READ_TOKEN", "reader");
            printed(&command, &serve(&folder, ""), &folder);
        }
    }
}
