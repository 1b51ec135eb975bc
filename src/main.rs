//! Arguments in, exit code out.

use std::{env, fmt, process::ExitCode};

use clap::Parser as _;
use comfydeploy_webhook::{
    config::{Cli, Command, Config, LogFormat},
    healthcheck, server, shutdown, telemetry,
};
use tokio::{net::TcpListener, runtime::Runtime};

fn main() -> ExitCode {
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return fail(2, one_line(&error)),
        Err(help_or_version) => help_or_version.exit(),
    };
    if let Err(error) = cli.config.take_tokens(|name| env::var_os(name)) {
        return fail(2, format!("error: {error}"));
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, format!("error: cannot start: {error}")),
    };
    let result = match cli.command {
        None => runtime.block_on(serve(&cli.config)),
        Some(Command::Healthcheck) => runtime.block_on(check(&cli.config)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, format!("error: {error}")),
    }
}

async fn serve(config: &Config) -> Result<(), String> {
    telemetry::start(&config.log, config.log_format == LogFormat::Json)
        .map_err(|error| format!("cannot log: {error}"))?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let shutdown =
        shutdown::on_signal().map_err(|error| format!("cannot listen for signals: {error}"))?;
    server::serve(listener, config, shutdown)
        .await
        .map_err(|error| format!("cannot serve: {error}"))
}

async fn check(config: &Config) -> Result<(), String> {
    healthcheck::ask(config.listen)
        .await
        .map_err(|error| format!("{} is not healthy: {error}", config.listen))
}

/// What was wrong and what is possible, without the usage and the hints that clap adds below.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or(&text);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[expect(
    clippy::print_stderr,
    reason = "the one line that says why the process ends"
)]
fn fail(code: u8, line: impl fmt::Display) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(code)
}
