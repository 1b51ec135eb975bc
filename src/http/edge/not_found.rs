//! Unknown paths, and methods that a path does not accept.

use std::sync::Arc;

use axum::extract::{Request, State};

use super::auth;
use crate::http::{app::App, problem::Problem};

pub(in crate::http) async fn no_such_path(
    State(app): State<Arc<App>>,
    request: Request,
) -> Problem {
    let authorized = auth::check_reader(&app, &request);
    authorized.err().unwrap_or(Problem::NoSuchPath)
}

pub(in crate::http) async fn no_such_method() -> Problem {
    Problem::Method { allow: None }
}
