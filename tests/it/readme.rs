//! Whether the README is right.

use std::{env, ffi::OsString, path::Path, process::Command};

use clap::{Arg, CommandFactory};
use comfydeploy_webhook::cli::Cli;

use crate::harness::{Folder, Process, flags, is_installed, read};

/// The commands of every console block, each with the output that the README shows.
fn commands(readme: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
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

#[test]
fn every_command_of_the_readme_prints_what_it_shows() {
    if !is_installed("curl") {
        return;
    }
    let has_sqlite3 = is_installed("sqlite3");
    let folder = Folder::new();
    let mut serve = Process::command(&[
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        "sqlite:runs.db",
    ]);
    serve.current_dir(&folder);
    let process = Process::start(serve);
    let commands = commands(&read("README.md"));
    assert!(commands.len() >= 10, "{commands:?}");
    for (command, shown) in commands {
        let run = match command.split(' ').next() {
            Some("curl") => command
                .replace("127.0.0.1:8080", &process.address.to_string())
                .replacen("curl ", "curl --silent --show-error ", 1),
            Some("sqlite3") if !has_sqlite3 => continue,
            Some("sqlite3" | "DATABASE_URL=sqlite:runs.db") => command.clone(),
            _ => panic!("what does this need? {command}"),
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &run]).current_dir(&folder);
        let output = shell.env_clear().env("PATH", search_path());
        let output = output.output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        let output = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            without_times(output.trim_end()),
            without_times(&shown),
            "{command}"
        );
    }
}

fn row(flag: &Arg) -> String {
    let variable = flag.get_env().unwrap().to_str().unwrap();
    let help = flag.get_help().unwrap().to_string();
    // A default that is computed at start is in the help text.
    let (help, computed) = help
        .trim_end_matches(']')
        .split_once(" [default: ")
        .unwrap_or((&help, "none"));
    let default = match flag.get_default_values() {
        [default] => format!("`{}`", default.to_str().unwrap()),
        _ => computed.to_owned(),
    };
    let long = flag.get_long().unwrap();
    format!("| `--{long}` | `{variable}` | {default} | {help} |")
}

#[test]
fn the_readme_lists_every_flag_as_help_does() {
    let tables: Vec<String> = flags()
        .chunk_by(|a, b| a.get_help_heading() == b.get_help_heading())
        .map(|group| {
            let heading = group[0].get_help_heading().unwrap();
            let rows: Vec<String> = group.iter().map(row).collect();
            format!(
                "**{heading}**\n\n| flag | variable | default | |\n|---|---|---|---|\n{}\n",
                rows.join("\n")
            )
        })
        .collect();
    let tables = tables.join("\n");
    assert!(
        read("README.md").contains(&tables),
        "the README should hold these tables:\n{tables}"
    );
}

#[test]
fn the_readme_lists_every_flag_of_the_simulator() {
    let readme = read("README.md");
    let command = Cli::command();
    let simulate = command.find_subcommand("simulate").unwrap();
    for flag in simulate.get_arguments() {
        let name = flag.get_long().unwrap();
        let default = match flag.get_default_values() {
            [default] => format!(" `{}` |", default.to_str().unwrap()),
            _ => String::new(),
        };
        let start = format!("\n| `--{name}` |{default}");
        assert!(readme.contains(&start), "{start}");
    }
}
