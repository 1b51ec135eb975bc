//! Accepts connections within limits and speaks HTTP/1.1 on each: what `axum::serve` does, with the timeouts and the
//! bound on connections that it lacks.

mod io;
mod timeouts;

use std::{
    convert::Infallible, future::poll_fn, io::ErrorKind, pin::pin, sync::Arc, task::Poll,
    time::Duration,
};

use axum::{extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use strum::VariantArray as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

pub use self::timeouts::Timeouts;
use self::{
    io::{TimedBody, TimedSocket},
    timeouts::{Deadline, TimeoutKind},
};
use super::edge::Edge;
use crate::metrics::Metrics;

/// Bytes to which the buffers of a connection may grow, unless the limit of the headers is larger.
const BUFFER: usize = 16 * 1024;

/// The pause after the operating system gave no connection, as when too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Open connections.
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
        timeouts: limits.timeouts,
        metrics,
        shutdown,
    });
    let slots = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let accept_next = || accept(&listener, &slots);
    while let Some((socket, slot)) = server.shutdown.run_until_cancelled(accept_next()).await {
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            server.serve_connection(socket).await;
            drop(slot);
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// The next connection, once there is a slot for it: over the limit, new connections wait in the queue of the
/// operating system.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let mut is_logged = false;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return (socket, slot),
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

/// What all connections share.
struct Server {
    http: http1::Builder,
    edge: Edge,
    timeouts: Timeouts,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
}

impl Server {
    /// Answers the requests of one connection until it ends or its client is too slow.
    async fn serve_connection(&self, socket: TcpStream) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let _open = self.metrics.connection();
        let deadline = Deadline::new(self.timeouts);
        let service = service_fn(|request| self.respond(&deadline, request));
        let socket = TokioIo::new(TimedSocket {
            socket,
            deadline: Arc::clone(&deadline),
        });
        let mut connection = pin!(self.http.serve_connection(socket, service));
        let mut alarm = pin!(sleep(self.timeouts.head));
        let mut shutdown = pin!(self.shutdown.cancelled());
        let mut is_shutting_down = false;
        let timed_out = poll_fn(|cx| {
            if !is_shutting_down && shutdown.as_mut().poll(cx).is_ready() {
                is_shutting_down = true;
                deadline.shut_down();
                connection.as_mut().graceful_shutdown();
            }
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            deadline.poll_timeout(alarm.as_mut(), cx).map(Some)
        });
        if let Some(kind) = timed_out.await {
            self.metrics.timed_out(kind.into()).inc();
        }
    }

    /// Responds to one request.
    async fn respond(
        &self,
        deadline: &Arc<Deadline>,
        request: Request<Incoming>,
    ) -> Result<Response<TimedBody>, Infallible> {
        deadline.request_begins();
        let response = self.edge.respond(request).await;
        Ok(response.map(|body| TimedBody {
            body,
            deadline: Arc::clone(deadline),
        }))
    }
}
