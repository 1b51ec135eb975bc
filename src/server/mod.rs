//! The service as a whole: assemble, serve, drain.

mod error;
mod runs;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::error::ServeError;
use crate::{
    config::Config,
    http::{self, App, ConnectionLimits, Timeouts},
    ingest::Ingest,
    metrics::Metrics,
    net::reachable,
};

/// The longest time that closing the database may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves on `listener` until `shutdown` is cancelled, for `--drain-delay` after that, and then until the requests
/// in flight are finished or `--drain-timeout` has passed.
///
/// # Errors
/// When the database cannot be used, or no longer.
pub async fn serve(
    listener: TcpListener,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    let metrics = Metrics::new();
    // Another program may keep the database locked for some seconds.
    let opened = shutdown.run_until_cancelled(runs::open(config, &metrics));
    let Some(opened) = opened.await else {
        return Ok(());
    };
    let (runs, upkeep) = opened?;
    let ingest = Arc::clone(&runs.ingest);
    let drain = CancellationToken::new();
    let app = Arc::new(App::new(
        config,
        runs,
        &metrics,
        shutdown.clone(),
        drain.clone(),
    ));
    let routes = http::routes(&app, &config.cors_origin);
    warn_if_unauthenticated(config, address);
    let ready = || {
        // The page first: that is the URL that people open.
        info!(
            "ready: runs are shown at http://{}/; updates are accepted at {}",
            reachable(address),
            webhook_url(address)
        );
    };
    let connections = ConnectionLimits {
        connections: config.max_connections,
        head_size: config.max_header,
        timeouts: Timeouts {
            head: config.header_timeout,
            send: config.send_timeout,
            idle: config.idle_timeout,
        },
    };
    let serving = http::serve(listener, routes, connections, metrics, drain.clone());
    let drained = async {
        shutdown.cancelled().await;
        delay_drain(config.drain_delay).await;
        drain.cancel();
        drain_deadline(config.drain_timeout).await;
    };
    tokio::select! {
        () = serving => {}
        () = drained => {}
        error = upkeep.run(ready) => return Err(error),
    }
    close(&ingest).await;
    Ok(())
}

/// Closes the database, unless the disk takes too long for that.
async fn close(ingest: &Ingest) {
    if time::timeout(CLOSE_TIMEOUT, ingest.close()).await.is_err() {
        warn!(
            "gave up on closing the database after {CLOSE_TIMEOUT:?}; all that was acknowledged is in it"
        );
    }
}

/// Warns at start if other machines can use the service without a token.
fn warn_if_unauthenticated(config: &Config, address: SocketAddr) {
    let (missing, allowed) = match (&config.webhook_tokens, &config.read_tokens) {
        (None, None) => (
            "no tokens",
            "report updates (set WEBHOOK_TOKEN) and read every run (set READ_TOKEN)",
        ),
        (None, Some(_)) => ("no webhook token", "report updates (set WEBHOOK_TOKEN)"),
        (Some(_), None) => ("no read token", "read every run (set READ_TOKEN)"),
        (Some(_), Some(_)) => return,
    };
    if !address.ip().is_loopback() {
        warn!("{missing} set: anyone who can reach {address} can {allowed}");
    }
}

/// Gives load balancers time to learn from `/readyz` that no new requests should come.
async fn delay_drain(delay: Duration) {
    if !delay.is_zero() {
        info!("/readyz now answers 503; still serving for {delay:?} (--drain-delay)");
        time::sleep(delay).await;
    }
}

async fn drain_deadline(limit: Duration) {
    time::sleep(limit).await;
    warn!("gave up on requests that were still in flight after {limit:?}");
}

/// The URL for ComfyDeploy, as far as the service knows its own address.
fn webhook_url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() {
        format!("<this host>:{}", address.port())
    } else {
        address.to_string()
    };
    format!("http://{host}{}", http::WEBHOOK_PATH)
}
