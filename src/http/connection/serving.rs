//! Serves one connection.

use std::{convert::Infallible, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, header},
    response::Response,
};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    select,
    task::yield_now,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    ConnectionLimits,
    displacement::Wait,
    foreign::ForeignLog,
    io::{TimedBody, TimedSocket},
    places::{Connection, Places},
    timeouts::TimeoutKind,
};
use crate::{
    http::{
        HEALTH_PATH, READY_PATH,
        edge::{Edge, NoSlot},
    },
    metrics::Metrics,
    telemetry::LogRateLimit,
};

/// What all connections share.
pub(super) struct Server {
    pub(super) http: http1::Builder,
    pub(super) edge: Edge,
    pub(super) limits: ConnectionLimits,
    pub(super) places: Places,
    pub(super) metrics: Arc<Metrics>,
    pub(super) displaced_log: LogRateLimit,
    pub(super) foreign_log: ForeignLog,
    pub(super) shutdown: CancellationToken,
}

/// Why a connection ends.
enum End {
    Finished(hyper::Result<()>),
    TimedOut(TimeoutKind),
    /// It is closed for another one in this wait for its client.
    Displaced(Wait),
}

impl Server {
    /// Answers the requests of one connection until it ends, its client is too slow, or it is closed for another one.
    pub(super) async fn serve_connection(&self, socket: TcpStream, connection: Connection) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let _open = self.metrics.connection();
        let deadline = &*connection.deadline;
        let socket = TokioIo::new(TimedSocket {
            socket,
            deadline,
            foreign: Some(&self.foreign_log),
        });
        let service = service_fn(|request| self.respond(&connection, request));
        let mut http = pin!(self.http.serve_connection(socket, service));
        let mut alarm = pin!(sleep(self.limits.timeouts.head));
        let mut shutdown = pin!(self.shutdown.cancelled());
        let mut is_shutting_down = false;
        let mut yielded_in = None;
        let end = loop {
            let end = poll_fn(|cx| {
                deadline.wake_with(cx.waker());
                if !is_shutting_down && shutdown.as_mut().poll(cx).is_ready() {
                    is_shutting_down = true;
                    deadline.shut_down();
                    http.as_mut().graceful_shutdown();
                }
                if let Poll::Ready(result) = http.as_mut().poll(cx) {
                    return Poll::Ready(End::Finished(result));
                }
                if let Some(wait) = deadline.displaced() {
                    return Poll::Ready(End::Displaced(wait));
                }
                let timed_out = deadline.poll_timeout(alarm.as_mut(), cx);
                timed_out.map(End::TimedOut)
            });
            match end.await {
                // What the client has sent by now is still read: a request that has arrived is not cut off.
                End::Displaced(wait) if yielded_in != Some(wait) => {
                    yielded_in = Some(wait);
                    yield_now().await;
                }
                end => break end,
            }
        };
        match end {
            End::Finished(Ok(())) => {}
            End::Finished(Err(error)) => debug!(%error, "connection failed"),
            End::TimedOut(kind) => self.metrics.timed_out(kind.into()).inc(),
            End::Displaced(_) => self.count_displaced(),
        }
    }

    /// Responds to one request.
    async fn respond(
        &self,
        connection: &Connection,
        request: Request<Incoming>,
    ) -> Result<Response<TimedBody>, Infallible> {
        connection.deadline.request_begins();
        let has_slot = connection.has_slot();
        let slot = if has_slot || is_probe(&request) {
            Ok(())
        } else {
            // Seldom done, so boxed: a request is moved with all the space that it could need.
            Box::pin(self.wait_for_slot(connection)).await
        };
        let mut response = self.edge.respond(request, slot).await;
        let has_slot = has_slot || connection.has_slot();
        if !has_slot || self.places.is_slot_awaited() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            if has_slot {
                self.count_displaced();
            }
        }
        Ok(response.map(|body| TimedBody {
            body,
            deadline: Arc::clone(&connection.deadline),
        }))
    }

    /// Waits in the reserve for a slot, until newer connections need the place.
    async fn wait_for_slot(&self, connection: &Connection) -> Result<(), NoSlot> {
        connection.deadline.waits_for_slot();
        let promoted = select! {
            promoted = timeout(self.limits.timeouts.head, self.places.promote(connection)) => promoted.is_ok(),
            () = connection.deadline.gives_up_slot() => false,
        };
        if promoted {
            return Ok(());
        }
        self.count_displaced();
        Err(NoSlot)
    }

    fn count_displaced(&self) {
        self.metrics.displaced().inc();
        self.displaced_log.line(|suppressed| {
            warn!(
                closed = suppressed + 1,
                "closed connections for new ones, as all of --max-connections ({}) were open: raise it if that is usual",
                self.limits.connections
            );
        });
    }
}

/// Whether a request asks if the service is well, and for nothing that takes long.
fn is_probe(request: &Request<Incoming>) -> bool {
    [HEALTH_PATH, READY_PATH].contains(&request.uri().path())
        && [Method::GET, Method::HEAD].contains(request.method())
        && request.body().is_end_stream()
}
