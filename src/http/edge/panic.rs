//! A panic costs the request whose handler it ends, and nothing else.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use axum::response::Response;
use tracing::error;

use crate::http::{app::App, problem::Problem};

/// What `answering` gives, or a problem where it panics.
pub(in crate::http) async fn caught(
    app: &App,
    answering: impl Future<Output = Result<Response, Problem>>,
) -> Result<Response, Problem> {
    let mut answering = pin!(answering);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx)));
        polled.unwrap_or_else(|_| {
            app.complaints.line(|left_out| {
                error!(
                    left_out,
                    "a request made its handler panic; the panic itself is on standard error"
                );
            });
            Poll::Ready(Err(Problem::internal()))
        })
    })
    .await
}
