//! Whether the flags are described as `--help` does.

use clap::{Arg, CommandFactory};
use comfydeploy_webhook::cli::Cli;

use crate::harness::{OPERATIONS, README, flags, read};

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
fn every_flag_is_listed_as_help_does() {
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
        read(OPERATIONS).contains(&tables),
        "{OPERATIONS} should hold these tables:\n{tables}"
    );
}

#[test]
fn every_flag_of_the_simulator_is_listed() {
    let operations = read(OPERATIONS);
    let command = Cli::command();
    let simulate = command.find_subcommand("simulate").unwrap();
    for flag in simulate.get_arguments() {
        let name = flag.get_long().unwrap();
        let default = match flag.get_default_values() {
            [default] => format!(" `{}` |", default.to_str().unwrap()),
            _ => String::new(),
        };
        let start = format!("\n| `--{name}` |{default}");
        assert!(operations.contains(&start), "{start}");
    }
}

#[test]
fn the_readme_lists_ten_flags_as_help_does() {
    let readme = read(README);
    let rows: Vec<String> = flags().iter().map(row).collect();
    let shown = readme.lines().filter(|line| line.starts_with("| `--"));
    let shown: Vec<&str> = shown.collect();
    assert_eq!(shown.len(), 10, "{shown:?}");
    for shown in shown {
        assert!(rows.iter().any(|row| row == shown), "{shown}");
    }
}
