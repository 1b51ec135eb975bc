//! While the runs are read from the database, none is shown: a list of some of them would be wrong.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use crate::http::{app::App, problem::Problem};

/// How long a request waits for the runs. A browser reconnects a stream after a restart by itself, but gives up after any
/// other response than 200.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Lets requests wait until all runs can be shown.
pub(in crate::http) async fn wait(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if !app.ingest.is_restored() {
        let restored = app.drain.run_until_cancelled(app.ingest.restored());
        match timeout(MAX_WAIT, restored).await {
            Ok(Some(())) => {}
            Ok(None) => return Problem::ShuttingDown.into_response(),
            Err(_) => return Problem::Restoring.into_response(),
        }
    }
    next.run(request).await
}
