//! The service as a whole: assembled, served, drained.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::Config,
    http::{self, App, ConnectionLimits, Patience},
    metrics::Metrics,
    store::{Limits, Store},
};

/// The longest that an expired run stays.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Serves on `listener` until `shutdown` is cancelled and what is in flight is finished, or the time
/// for that is over.
///
/// # Errors
/// When the listener's own address cannot be read.
pub async fn serve(
    listener: TcpListener,
    config: &Config,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let metrics = Metrics::new();
    let limits = Limits {
        runs: config.max_runs,
        bytes: config.max_bytes,
        retention: config.retention,
        backlog: config.stream_backlog,
    };
    let store = Arc::new(Store::new(limits, &metrics));
    let app = Arc::new(App::new(config, &store, &metrics, shutdown.clone()));
    let router = http::router(Arc::clone(&app), &config.cors_origin);
    warn_of_open_doors(config, address);
    info!(
        "ready: point ComfyDeploy's webhook at {}",
        webhook_url(address)
    );
    let connections = ConnectionLimits {
        connections: config.max_connections,
        head_size: config.max_header,
        patience: Patience {
            head: config.header_timeout,
            send: config.send_timeout,
            idle: config.idle_timeout,
        },
    };
    let serving = http::serve(listener, app, router, connections);
    tokio::select! {
        () = serving => Ok(()),
        () = drain_deadline(&shutdown, config.drain_timeout) => Ok(()),
        never = sweep(&store, config.retention) => match never {},
    }
}

/// Says once what anyone may do who reaches the service, where that may be anyone at all.
fn warn_of_open_doors(config: &Config, address: SocketAddr) {
    let doors = match (&config.webhook_tokens, &config.read_tokens) {
        (None, None) => "report updates (set WEBHOOK_TOKEN) and read every run (set READ_TOKEN)",
        (None, Some(_)) => "report updates (set WEBHOOK_TOKEN)",
        (Some(_), None) => "read every run (set READ_TOKEN)",
        (Some(_), Some(_)) => return,
    };
    if !address.ip().is_loopback() {
        warn!("OPEN TO ALL: anyone who reaches {address} can {doors}");
    }
}

/// Ends when `limit` has passed since `shutdown` was cancelled.
async fn drain_deadline(shutdown: &CancellationToken, limit: Duration) {
    shutdown.cancelled().await;
    time::sleep(limit).await;
    warn!("gave up on requests that were still in flight after {limit:?}");
}

/// Drops expired runs for ever.
async fn sweep(store: &Store, retention: Duration) -> Infallible {
    let mut turns = time::interval(retention.min(SWEEP_EVERY));
    loop {
        turns.tick().await;
        while store.expire(jiff::Timestamp::now().into()) {
            tokio::task::yield_now().await;
        }
    }
}

/// The URL to send updates to, as far as the service can know it.
fn webhook_url(address: SocketAddr) -> String {
    let port = address.port();
    let host = match address.ip() {
        ip if ip.is_unspecified() => "<this host>".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    format!("http://{host}:{port}{}", http::WEBHOOK_PATH)
}
