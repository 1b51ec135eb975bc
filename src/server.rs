//! The service as a whole: assembled, served, drained.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::Config,
    http::{self, App, BodyLimits},
    ingest::Ingest,
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
    let store = Arc::new(Store::new(Limits {
        runs: config.max_runs,
        bytes: config.max_bytes,
        retention: config.retention,
    }));
    let router = http::router(Arc::new(App {
        ingest: Ingest::new(Arc::clone(&store)),
        store: Arc::clone(&store),
        body_limits: BodyLimits {
            size: config.max_body,
            time: config.body_timeout,
        },
    }));
    info!(
        "ready: point ComfyDeploy's webhook at {}",
        webhook_url(listener.local_addr()?)
    );

    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            warn!(%error, "cannot send small answers at once");
        }
    });
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tokio::select! {
        served = serving => served,
        () = drain_deadline(&shutdown, config.drain_timeout) => Ok(()),
        never = sweep(&store, config.retention) => match never {},
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
