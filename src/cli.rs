//! The command line: the commands, and the flags of the service.

use clap::{Parser, Subcommand};

use crate::{config::Config, simulate::SimulateArgs};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about)]
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
    /// Check whether the service at --listen is ready: exit code 0 if it is, 1 if not
    Healthcheck,
    /// Send the updates of made-up runs as ComfyDeploy does, to try the service without an account
    Simulate(SimulateArgs),
}
