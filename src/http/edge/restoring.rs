//! While the runs are read from the database, none is shown: a list of some of them would be wrong.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    http::{app::App, problem::Problem},
    ingest::Readiness,
};

/// Rejects requests until all runs can be shown.
pub(in crate::http) async fn guard(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    match app.ingest.readiness() {
        Readiness::Restoring => Problem::Restoring.into_response(),
        Readiness::Ready | Readiness::Failing(_) => next.run(request).await,
    }
}
