//! The signals that end the process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// What SIGTERM and SIGINT ask for. Both mean the same.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Cancelled at the first signal: finish what is going on, then exit.
    pub shutdown: CancellationToken,
    /// Cancelled at the second signal: exit at once.
    pub abort: CancellationToken,
}

/// Listens for signals from now on.
///
/// # Errors
/// When the operating system does not let the process listen for signals.
pub fn on_signals() -> io::Result<Signals> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signals = Signals::default();
    let Signals { shutdown, abort } = signals.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let signal = next().await;
        info!("{signal}: shutting down; a second signal exits at once");
        shutdown.cancel();
        next().await;
        abort.cancel();
    });
    Ok(signals)
}
