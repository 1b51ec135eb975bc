//! The command line: the commands, and the flags of the service.

mod error;

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::{Shell, generate};

pub use self::error::CliError;
use crate::{
    config::{Config, flags_of_variables, ignoring_variables},
    simulate::SimulateArgs,
};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about, bin_name = env!("CARGO_PKG_NAME"))]
#[command(
    after_help = "Each flag has a variable: MAX_RUNS for --max-runs, RUST_LOG for --log. \
                        The flag wins. An empty variable counts as not set."
)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of the service.
    #[command(flatten)]
    pub config: Config,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Exit with 0 if the service at --listen is ready, else with 1
    Healthcheck,
    /// Send updates of made-up runs, to try it without an account
    Simulate(SimulateArgs),
    /// Copy the database to a new file, also while the service runs
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Print a script that lets a shell complete the command line
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Cli {
    /// Parses arguments, without the name of the program, and variables.
    ///
    /// # Errors
    /// When one of them is invalid, or the arguments ask for the help or the version.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, CliError> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let command = Self::command().no_binary_name(true);
        let flags_only = ignoring_variables(command.clone());
        let given = flags_only.clone().try_get_matches_from(&arguments)?;
        let parsed = Self::from_arg_matches(&given)?;
        if let Some(Command::Completions { .. }) = parsed.command {
            // A shell runs this at its start, whatever the variables of a service are.
            return Ok(parsed);
        }
        let mut all = flags_of_variables(&command, &given, &variable)?;
        all.extend(arguments);
        let mut cli = Self::from_arg_matches(&flags_only.try_get_matches_from(all)?)?;
        cli.config.load_variables(variable)?;
        Ok(cli)
    }

    /// The script that lets `shell` complete the command line.
    #[must_use]
    pub fn completions(shell: Shell) -> Vec<u8> {
        let mut script = Vec::new();
        let command = &mut Self::command();
        generate(shell, command, env!("CARGO_PKG_NAME"), &mut script);
        script
    }
}
