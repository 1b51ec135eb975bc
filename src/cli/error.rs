//! What is wrong with the command line, in one line.

use std::fmt;

use clap::error::{ContextKind, ContextValue};

use crate::config::{Listen, VariableError};

/// Why there is nothing to run.
#[derive(Debug)]
pub enum CliError {
    /// The arguments ask for the help or the version.
    Info(clap::Error),
    /// An argument is invalid.
    Argument(clap::Error),
    /// A variable is invalid.
    Variable(VariableError),
}

/// Flags that other programs have, and what there is here.
const FOREIGN_FLAGS: [(&[&str], &str); 4] = [
    (
        &[
            "--port",
            "-p",
            "--host",
            "-H",
            "--bind",
            "-b",
            "--address",
            "--addr",
        ],
        "use --listen, such as --listen 127.0.0.1:3000 or --listen :3000 for all interfaces, or the variable PORT",
    ),
    (
        &["--webhook-token", "--token", "--secret"],
        "use the variable WEBHOOK_TOKEN or --webhook-token-file: other users of the machine can see the command line",
    ),
    (
        &["--read-token"],
        "use the variable READ_TOKEN or --read-token-file: other users of the machine can see the command line",
    ),
    (
        &[
            "--log-level",
            "--loglevel",
            "--level",
            "--verbose",
            "-v",
            "--debug",
            "-d",
            "--quiet",
            "-q",
        ],
        "use --log, such as --log debug or --log warn",
    ),
];

/// Commands that other programs have.
const FOREIGN_COMMANDS: [&str; 4] = ["serve", "server", "start", "run"];

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error: ")?;
        match self {
            Self::Variable(error) => error.fmt(f),
            Self::Info(error) | Self::Argument(error) => {
                let text = error.to_string();
                let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
                let message = message.strip_prefix("error: ").unwrap_or(message);
                f.write_str(&message.split_whitespace().collect::<Vec<_>>().join(" "))?;
                if let Some(hint) = hint(error) {
                    return write!(f, "; {hint}");
                }
                let tips = rest
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix("tip: "));
                tips.into_iter().try_for_each(|tip| write!(f, "; {tip}"))
            }
        }
    }
}

impl std::error::Error for CliError {}

/// What there is instead of what the user expected.
fn hint(error: &clap::Error) -> Option<&'static str> {
    let found = |kind| match error.get(kind) {
        Some(ContextValue::String(found)) => Some(found.as_str()),
        _ => None,
    };
    if let Some(command) = found(ContextKind::InvalidSubcommand) {
        return match command {
            _ if FOREIGN_COMMANDS.contains(&command) => {
                Some("without a command the service starts")
            }
            _ if command.parse::<Listen>().is_ok() => {
                Some("use --listen before an address or a port")
            }
            _ => None,
        };
    }
    let flag = found(ContextKind::InvalidArg)?;
    let mut elsewhere = FOREIGN_FLAGS.iter();
    let (_, hint) = elsewhere.find(|(flags, _)| flags.contains(&flag))?;
    Some(hint)
}

impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        if error.use_stderr() {
            Self::Argument(error)
        } else {
            Self::Info(error)
        }
    }
}

impl From<VariableError> for CliError {
    fn from(error: VariableError) -> Self {
        Self::Variable(error)
    }
}
