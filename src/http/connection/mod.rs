//! Accepts connections within limits and speaks HTTP/1.1 on each: what `axum::serve` does, with the timeouts and the
//! limit of connections that it lacks.

mod displacement;
mod foreign;
mod io;
mod places;
mod reserve;
mod serving;
mod set;
mod slots;
mod timeouts;

use std::{io::ErrorKind, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use strum::VariantArray as _;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

pub use self::timeouts::Timeouts;
use self::{foreign::ForeignLog, places::Places, serving::Server, timeouts::TimeoutKind};
use super::edge::Edge;
use crate::{metrics::Metrics, telemetry::LogRateLimit};

/// Bytes to which the buffers of a connection may grow, unless the limit of the headers is larger.
const BUFFER: usize = 16 * 1024;

/// The pause after the operating system gave no connection, as when too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections that have requests answered. A few more may be open, for probes.
    pub connections: usize,
    /// Bytes of a request's first line and headers.
    pub head_size: usize,
    /// How long they wait for their clients.
    pub timeouts: Timeouts,
}

/// Serves `edge` on `listener` until `shutdown` is cancelled and every request in flight is answered.
pub async fn serve(
    listener: TcpListener,
    edge: Edge,
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.header_read_timeout(None)
        .max_header_size(limits.head_size)
        .max_buf_size(limits.head_size.max(BUFFER))
        // One write of small frames, which are copied together, is cheaper than a vectored write.
        .writev(false);
    for &kind in TimeoutKind::VARIANTS {
        let _ = metrics.timed_out(kind.into());
    }
    let server = Arc::new(Server {
        http,
        edge,
        limits,
        places: Places::new(limits.connections),
        metrics,
        displaced_log: LogRateLimit::one_a_minute(),
        foreign_log: ForeignLog::new(),
        shutdown,
    });
    let tasks = TaskTracker::new();
    let open_next = async || {
        let socket = accept(&listener).await;
        (socket, server.places.open(limits.timeouts).await)
    };
    while let Some((socket, connection)) = server.shutdown.run_until_cancelled(open_next()).await {
        let server = Arc::clone(&server);
        tasks.spawn(async move { server.serve_connection(socket, connection).await });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// The next connection.
async fn accept(listener: &TcpListener) -> TcpStream {
    let mut is_logged = false;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) if has_client_left(error.kind()) => {}
            Err(error) => {
                if !is_logged {
                    warn!(%error, "cannot accept connections; trying again");
                    is_logged = true;
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

fn has_client_left(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
