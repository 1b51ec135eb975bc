//! How long requests take, by matched route: a path that a client makes up is no label.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use super::panic;
use crate::http::app::App;

/// The route of what matches none.
pub(in crate::http) const NO_ROUTE: &str = "none";

/// Measures a request that is not an update.
pub(in crate::http) async fn reads(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answering = async { Ok(next.run(request).await) };
    let response = panic::caught(&app, answering).await.into_response();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    app.metrics
        .requests(route, response.status().as_u16())
        .observe(begun.elapsed().as_secs_f64());
    response
}
