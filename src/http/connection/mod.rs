//! Accepts connections within limits and speaks HTTP/1.1 on each: what `axum::serve` does, and what it
//! does not bound.

mod framing;
mod io;
mod timeouts;

use std::{
    convert::Infallible, future::poll_fn, io::ErrorKind, pin::pin, sync::Arc, task::Poll,
    time::Duration,
};

use axum::{
    Router,
    body::HttpBody as _,
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, sleep_until},
};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

pub(super) use self::timeouts::Overdue;
pub use self::timeouts::Patience;
use self::{
    io::{TimedBody, TimedSocket},
    timeouts::Deadlines,
};
use super::{
    app::{App, WEBHOOK_PATH},
    edge::metrics::NO_ROUTE,
    limits::memory::FREE_OF_CHARGE,
    problem::Problem,
    webhook,
};

/// The buffers of a connection grow to this as a large body arrives, or to the largest head.
const BUFFER: usize = 16 * 1024;

/// The pause when the operating system gives no connection, as when too many files are open.
const BREATH: Duration = Duration::from_millis(100);

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// How many at a time.
    pub connections: usize,
    /// Bytes of a request's first line and headers.
    pub head_size: usize,
    /// How long they wait for their clients.
    pub patience: Patience,
}

impl ConnectionLimits {
    fn buffer(&self) -> usize {
        self.head_size.max(BUFFER)
    }
}

/// Serves `app`, whose routes are in `router`, on `listener` until it is shut down and every request in flight
/// is answered.
pub async fn serve(listener: TcpListener, app: Arc<App>, router: Router, limits: ConnectionLimits) {
    let mut http = http1::Builder::new();
    // The `Deadlines` see to all times.
    http.header_read_timeout(None)
        .max_header_size(limits.head_size)
        .max_buf_size(limits.buffer())
        .writev(false);
    let server = Arc::new(Server {
        http,
        app,
        router: TowerToHyperService::new(router),
        limits,
    });
    let slots = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let shutdown = &server.app.shutdown;
    while let Some((socket, slot)) = shutdown
        .run_until_cancelled(accept(&listener, &slots))
        .await
    {
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            server.converse(socket).await;
            drop(slot);
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

/// The next connection, once there is a slot for it: over the limit the newest wait in the operating
/// system's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let mut is_told = false;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return (socket, slot),
            Err(error) if is_the_clients(error.kind()) => {}
            Err(error) => {
                if !is_told {
                    warn!(%error, "cannot take connections; trying again");
                    is_told = true;
                }
                sleep(BREATH).await;
            }
        }
    }
}

/// Whether a connection failed because its client is gone already.
fn is_the_clients(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

struct Server {
    http: http1::Builder,
    app: Arc<App>,
    router: TowerToHyperService<Router>,
    limits: ConnectionLimits,
}

impl Server {
    /// Answers the requests of one connection until it ends or has made us wait too long.
    async fn converse(&self, socket: TcpStream) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "cannot send small answers at once");
        }
        let _open = self.app.metrics.connection();
        let deadlines = Deadlines::new(self.limits.patience);
        let service = service_fn(|request| self.answer(&deadlines, request));
        let socket = TokioIo::new(TimedSocket {
            socket,
            deadlines: Arc::clone(&deadlines),
        });
        let mut connection = pin!(self.http.serve_connection(socket, service));
        let mut alarm = pin!(sleep_until(deadlines.deadline().0));
        let mut shutdown = pin!(self.app.shutdown.cancelled());
        let mut is_closing = false;
        let overdue = poll_fn(|cx| {
            if !is_closing && shutdown.as_mut().poll(cx).is_ready() {
                is_closing = true;
                deadlines.service_ends();
                connection.as_mut().graceful_shutdown();
            }
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            deadlines.poll_overdue(alarm.as_mut(), cx).map(Some)
        });
        if let Some(overdue) = overdue.await {
            self.app.metrics.timed_out(overdue.stage()).inc();
        }
    }

    /// Answers one request.
    async fn answer(
        &self,
        deadlines: &Arc<Deadlines>,
        request: Request<Incoming>,
    ) -> Result<Response<TimedBody>, Infallible> {
        let response = match deadlines.request_begins(|head| framing::check(&request, head)) {
            Ok(()) => self.handle(request).await,
            Err(problem) => self.refuse(request.uri().path(), problem),
        };
        match response.body().size_hint().exact() {
            None => deadlines.stream_begins(),
            Some(size) if size > FREE_OF_CHARGE as u64 => deadlines.answer_begins(size),
            Some(_) => {}
        }
        Ok(response.map(|body| TimedBody {
            body,
            deadlines: Arc::clone(deadlines),
        }))
    }

    /// What the handler of a request answers.
    async fn handle(&self, request: Request<Incoming>) -> Response {
        // Updates take a short way. The router leads to the same function, but boxes the body and the
        // handler, and notes the route in a map: 7 % of the time that an update takes.
        if request.uri().path() == WEBHOOK_PATH {
            return webhook::take(&self.app, request).await;
        }
        let answer = self.router.call(request).await;
        answer.unwrap_or_else(|never| match never {})
    }

    /// Answers a request that breaks HTTP/1.1, and nothing that follows it.
    fn refuse(&self, path: &str, problem: Problem) -> Response {
        let (route, response) = if webhook::is_at(path) {
            (WEBHOOK_PATH, webhook::refuse_breach(&self.app, problem))
        } else {
            (NO_ROUTE, problem.into_response())
        };
        // Its headers were there just now.
        let durations = self.app.metrics.requests(route, response.status().as_u16());
        durations.observe(0.0);
        let headers = [
            (header::CONNECTION, "close"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, response).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::{middleware::from_fn_with_state, routing::get};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::http::edge::metrics;

    async fn panicking() {
        panic!("a test asked for it");
    }

    #[tokio::test]
    async fn a_handler_that_panics_costs_one_500_and_nothing_else() {
        let app = App::for_tests();
        let router = Router::new()
            .route("/panic", get(panicking))
            .route("/", get(async || "well"))
            .layer(from_fn_with_state(Arc::clone(&app), metrics::reads));
        let minute = Duration::from_mins(1);
        let limits = ConnectionLimits {
            connections: 1,
            head_size: 1024,
            patience: Patience {
                head: minute,
                send: minute,
                idle: minute,
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::clone(&app), router, limits));

        let mut connection = TcpStream::connect(address).await.unwrap();
        let requests = "GET /panic HTTP/1.1\r\nhost: x\r\n\r\n\
                        GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        connection.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = String::new();
        connection.read_to_string(&mut answers).await.unwrap();
        assert!(answers.starts_with("HTTP/1.1 500 "), "{answers}");
        assert!(answers.contains("application/problem+json"), "{answers}");
        assert!(!answers.contains("a test asked for it"), "{answers}");
        assert!(answers.ends_with("well"), "{answers}");
        assert_eq!(app.metrics.requests("/panic", 500).get_sample_count(), 1);
    }
}
