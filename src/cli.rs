//! The command line: what to do, and how.

use clap::{Parser, Subcommand};

use crate::{config::Config, simulate::SimulateArgs};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to do it.
    #[command(flatten)]
    pub config: Config,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask the service at --listen whether it is ready; exit with 0 if it is, with 1 if not
    Healthcheck,
    /// Send the updates of made-up runs as ComfyDeploy does, to see the service at work without an account
    Simulate(SimulateArgs),
}
