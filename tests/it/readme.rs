//! Whether the README is right.

use std::process::Command;

use clap::{Arg, CommandFactory};
use comfydeploy_webhook::cli::Cli;

use crate::harness::{Process, flags, is_installed, read};

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
                let quotes = command.matches('\'').count();
                if !line.ends_with('\\') && quotes.is_multiple_of(2) {
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
    let mut text = text.to_owned();
    for name in ["queued", "started", "ended", "first_seen", "last_seen"] {
        let name = format!(r#""{name}_at":""#);
        let places: Vec<usize> = text
            .match_indices(&name)
            .map(|(at, _)| at + name.len())
            .collect();
        for at in places {
            text.replace_range(
                at..at + "2026-03-01T12:00:00.000Z".len(),
                "2026-03-01T12:00:00.000Z",
            );
        }
    }
    text
}

#[test]
fn every_command_of_the_readme_prints_what_it_shows() {
    if !is_installed("curl") {
        return;
    }
    let process = Process::serve(&[]);
    let commands = commands(&read("README.md"));
    assert!(commands.len() >= 6, "{commands:?}");
    for (command, shown) in commands {
        assert!(command.starts_with("curl "), "{command}");
        let run = command.replace("127.0.0.1:8080", &process.address.to_string());
        let run = run.replacen("curl ", "curl --silent --show-error ", 1);
        let output = Command::new("sh").args(["-c", &run]).output().unwrap();
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
