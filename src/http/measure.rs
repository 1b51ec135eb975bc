//! How long requests take, by matched route: a path that a client makes up is no label.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;

use super::state::App;

/// Measures a request that is not an update.
pub(super) async fn reads(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics
        .requests(route, response.status().as_u16())
        .observe(begun.elapsed().as_secs_f64());
    response
}
