//! The flags of the program, and what it says of wrong ones.

use std::process::Command;

use clap::CommandFactory;
use comfydeploy_webhook::cli::Cli;

use super::{output, text};

/// The flags of the service.
pub(crate) fn flags() -> Vec<clap::Arg> {
    let command = Cli::command();
    let flags = command.get_arguments();
    flags
        .filter(|flag| flag.get_env().is_some())
        .cloned()
        .collect()
}

/// Checks that a command prints one line, to stderr, and returns it.
pub(crate) async fn error_line(command: Command, code: i32) -> String {
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let line = text(&output.stderr);
    assert!(line.starts_with("error: "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line.to_owned()
}
