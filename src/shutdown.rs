//! Being asked to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// What SIGTERM and SIGINT ask for, either of which is as good as the other.
#[derive(Debug)]
pub struct Signals {
    /// Cancelled by the first one: to stop once what is in flight is finished.
    pub finish: CancellationToken,
    /// Cancelled by the second one: to stop at once.
    pub give_up: CancellationToken,
}

/// Listens for signals from now on.
///
/// # Errors
/// When the operating system does not let the process listen for signals.
pub fn on_signals() -> io::Result<Signals> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let finish = CancellationToken::new();
    let give_up = CancellationToken::new();
    let signals = Signals {
        finish: finish.clone(),
        give_up: give_up.clone(),
    };
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let signal = next().await;
        info!("{signal}: finishing what is in flight; a second signal ends that");
        finish.cancel();
        next().await;
        give_up.cancel();
    });
    Ok(signals)
}
