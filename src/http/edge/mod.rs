//! What is done for every request, around all routes; and tokens, CORS, unknown and wrong paths.

pub(super) mod auth;
mod browser;
pub(super) mod cors;
pub(super) mod embedded;
mod framing;
pub(super) mod hosts;
mod misdirected;
pub(super) mod not_found;
mod redact;
pub(super) mod restoring;
mod routes;

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, debug_span, warn};
use utoipa::openapi;

use self::routes::Routes;
use super::{app::App, problem::Problem};

/// The label of requests that match no route.
const NO_ROUTE: &str = "none";

/// That there is no free connection for a request.
#[derive(Debug, Clone, Copy)]
pub struct NoSlot;

/// All routes, and what is done for every request, once, in this place.
#[derive(Debug)]
pub struct Edge {
    app: Arc<App>,
    router: TowerToHyperService<Router>,
    routes: Routes,
}

impl Edge {
    /// Around `router`, whose routes `document` describes.
    pub(super) fn new(app: Arc<App>, router: Router, document: &openapi::OpenApi) -> Self {
        Self {
            app,
            router: TowerToHyperService::new(router),
            routes: Routes::new(document),
        }
    }

    /// Checks a request, lets its route answer it, and measures that. A panic costs the request that caused it, and
    /// nothing else; its hook logs it.
    pub async fn respond<B>(&self, request: Request<B>, slot: Result<(), NoSlot>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let begun = Instant::now();
        let request = request.map(Body::new);
        let route = self.routes.at(request.uri().path());
        let takes_updates = route.is_some_and(|route| route.takes_updates);
        let link_to_runs = browser::link_to_runs(&request);
        let span = debug_span!(
            "request",
            method = %request.method(),
            // Not the query: it may hold a token.
            path = redact::loggable(&self.app, request.uri().path())
        );
        let admitted = slot.map_err(|NoSlot| Problem::NoSlot);
        let is_misdirected = !takes_updates && misdirected::may_be_update(&request);
        let checked = match admitted.and_then(|()| framing::check(&request)) {
            // Seldom done, so boxed: a request is moved with all the space that its handling could need.
            Ok(()) if is_misdirected => {
                Box::pin(misdirected::reject(&self.app, route, request)).await
            }
            Err(problem) if is_misdirected => {
                misdirected::report(&self.app, request.method(), request.uri().path());
                Err(problem)
            }
            checked => checked.map(|()| request),
        };
        let mut response = match checked {
            Ok(request) => AssertUnwindSafe(self.router.call(request).instrument(span.clone()))
                .catch_unwind()
                .await
                .map_or_else(
                    |_| Problem::Internal.into_response(),
                    |Ok(response)| response,
                ),
            Err(problem) => problem.into_response(),
        };
        debug!(parent: &span, status = response.status().as_u16(), "response");
        let headers = response.headers_mut();
        // A cache that kept the response to a retry, which is a GET, would answer another update's retry with it.
        let cache_control = headers.entry(header::CACHE_CONTROL);
        cache_control.or_insert(HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if let Some(problem) = response.extensions().get().map(Arc::<Problem>::clone) {
            if takes_updates && let Some(reason) = problem.reason() {
                self.app.metrics.rejected(reason.into()).inc();
                log_rejected_update(&self.app, &problem);
            }
            if let Some(link) = link_to_runs {
                browser::show(&mut response, &problem, &link);
            }
        }
        // A path that a client makes up is no label.
        let label = route.map_or(NO_ROUTE, |route| &route.label);
        self.app
            .metrics
            .requests(label, response.status())
            .observe(begun.elapsed().as_secs_f64());
        response
    }
}

fn log_rejected_update(app: &App, problem: &Problem) {
    let log = if problem.is_anonymous() {
        &app.anonymous_log
    } else {
        &app.update_log
    };
    log.line(|suppressed| {
        let (status, detail) = (problem.status().as_u16(), problem.detail());
        warn!(status, detail, suppressed, "update rejected");
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{http::StatusCode, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };
    use utoipa::openapi::{OpenApi, PathItem};

    use super::*;
    use crate::http::{ConnectionLimits, Timeouts, WEBHOOK_PATH, serve};

    async fn panicking() {
        panic!("a test asked for it");
    }

    /// Serves a route that panics, one that does not, and the webhook's as one that panics.
    async fn serve_panicking(app: &Arc<App>) -> TcpStream {
        let router = Router::new()
            .route("/panic", get(panicking))
            .route(WEBHOOK_PATH, get(panicking))
            .route("/", get(async || "well"));
        let mut document = OpenApi::default();
        for path in ["/panic", WEBHOOK_PATH, "/"] {
            let paths = &mut document.paths.paths;
            paths.insert(path.to_owned(), PathItem::default());
        }
        let edge = Edge::new(Arc::clone(app), router, &document);
        let minute = Duration::from_mins(1);
        let limits = ConnectionLimits {
            connections: 1,
            head_size: 1024,
            timeouts: Timeouts {
                head: minute,
                send: minute,
                idle: minute,
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, shutdown) = (Arc::clone(&app.metrics), app.drain.clone());
        tokio::spawn(serve(listener, edge, limits, metrics, shutdown));
        TcpStream::connect(address).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_costs_the_request_that_caused_it_and_nothing_else() {
        let app = App::for_tests();
        let mut connection = serve_panicking(&app).await;
        let request = |path, headers| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let requests = [
            request("/panic", ""),
            request(WEBHOOK_PATH, ""),
            request("/", "connection: close\r\n"),
        ];
        connection
            .write_all(requests.concat().as_bytes())
            .await
            .unwrap();
        let mut responses = String::new();
        connection.read_to_string(&mut responses).await.unwrap();
        let count = |text| responses.matches(text).count();
        assert_eq!(count("HTTP/1.1 500 "), 2, "{responses}");
        assert_eq!(count("application/problem+json"), 2, "{responses}");
        assert_eq!(count("cache-control: no-store"), 3, "{responses}");
        assert_eq!(count("x-content-type-options: nosniff"), 3, "{responses}");
        assert_eq!(count("a test asked for it"), 0, "{responses}");
        assert!(responses.ends_with("well"), "{responses}");
        assert_eq!(app.metrics.rejected("internal").get(), 1);
        for route in ["/panic", WEBHOOK_PATH] {
            let durations = app
                .metrics
                .requests(route, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(durations.get_sample_count(), 1, "{route}");
        }
    }
}
