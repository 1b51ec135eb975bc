//! Arguments in, exit code out.

use std::{env, fmt, io, io::Write as _, path::Path, process::ExitCode, thread};

use comfydeploy_webhook::{
    cli::{Cli, CliError, Command},
    config::{Config, LogFormat},
    database, healthcheck, listen, memory, server, shutdown,
    simulate::{self, SimulateArgs},
    telemetry::{self, Lines},
};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Open files beside the connections.
const OTHER_FILES: u64 = 64;

#[global_allocator]
static ALLOCATOR: memory::Allocator = memory::Allocator;

fn main() -> ExitCode {
    let cli = match Cli::read(env::args_os().skip(1), |name| env::var_os(name)) {
        Ok(cli) => cli,
        Err(CliError::Info(info)) => info.exit(),
        Err(error) => return fail(2, error),
    };
    if let Some(Command::Backup { file }) = &cli.command {
        return match backup(&cli.config, file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, format!("error: {error}")),
        };
    }
    if let Some(Command::Completions { shell }) = cli.command {
        return match io::stdout().write_all(&Cli::completions(shell)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, format!("error: cannot print: {error}")),
        };
    }
    let threads = match cli.command {
        Some(Command::Healthcheck) => Some(1),
        _ => cli.config.threads,
    };
    if let Err(error) = memory::set_up() {
        return fail(1, format!("error: cannot set up memory: {error}"));
    }
    let runtime = match runtime(threads) {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, format!("error: cannot start: {error}")),
    };
    let result = match cli.command {
        Some(Command::Healthcheck) => runtime.block_on(check(&cli.config)),
        Some(Command::Simulate(args)) => runtime.block_on(simulate(&args, &cli.config)),
        _ => runtime.block_on(serve(&cli.config)),
    };
    // Does not wait for a DNS lookup in progress, which cannot be cancelled.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, format!("error: {error}")),
    }
}

fn backup(config: &Config, file: &Path) -> Result<(), String> {
    let Some(url) = &config.database_url else {
        return Err(
            "there is no database to back up: set DATABASE_URL or --database-url".to_owned(),
        );
    };
    database::back_up(url, file).map_err(|error| format!("cannot back up: {error}"))
}

/// With one thread the single-threaded runtime is faster: it has no queues between threads.
fn runtime(threads: Option<usize>) -> io::Result<Runtime> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match threads.unwrap_or_else(cores) {
        1 => Builder::new_current_thread(),
        several => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(several);
            builder
        }
    };
    builder.on_thread_start(|| {
        // It would allocate in an arena of its own.
        memory::share_arena();
    });
    builder.enable_all().build()
}

async fn serve(config: &Config) -> Result<(), String> {
    let _log = telemetry::start(
        config.log.directives(),
        config.log_format == LogFormat::Json,
    )
    .map_err(|error| format!("cannot log: {error}"))?;
    raise_file_limit(config.max_connections);
    let listener = listen::bind(config.address())
        .await
        .map_err(|error| error.to_string())?;
    until_signalled(async |shutdown| {
        server::serve(listener, config, shutdown)
            .await
            .map_err(|error| error.to_string())
    })
    .await
}

/// Each connection is an open file, and many systems allow only 1024 unless the process asks for more.
fn raise_file_limit(connections: usize) {
    let needed = connections as u64 + OTHER_FILES;
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) if allowed < needed => warn!(
            "the system allows {allowed} open files, too few for {connections} connections: raise its \
             limit or lower --max-connections"
        ),
        Ok(_) => {}
        Err(error) => warn!(%error, "cannot raise the limit of open files"),
    }
}

async fn check(config: &Config) -> Result<(), String> {
    let address = config.address();
    healthcheck::check(address)
        .await
        .map_err(|error| format!("{address} is not healthy: {error}"))
}

async fn simulate(args: &SimulateArgs, config: &Config) -> Result<(), String> {
    until_signalled(async |shutdown| {
        simulate::run(args, config, shutdown)
            .await
            .map_err(|error| error.to_string())
    })
    .await
}

/// Runs `work`. The first signal asks it to finish; the second ends it at once.
async fn until_signalled(
    work: impl AsyncFnOnce(CancellationToken) -> Result<(), String>,
) -> Result<(), String> {
    let signals =
        shutdown::on_signals().map_err(|error| format!("cannot listen for signals: {error}"))?;
    tokio::select! {
        done = work(signals.shutdown) => done,
        () = signals.abort.cancelled() => {
            warn!("second signal: exiting with requests in flight");
            Ok(())
        }
    }
}

/// Writes the reason to standard error, and waits at most a second until it is read.
fn fail(code: u8, line: impl fmt::Display) -> ExitCode {
    if let Ok(lines) = Lines::to(io::stderr()) {
        // Always Ok.
        let _ = (&*lines).write_all(format!("{line}\n").as_bytes());
        lines.finish();
    }
    ExitCode::from(code)
}
