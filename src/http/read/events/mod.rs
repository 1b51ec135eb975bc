//! Streams of what changes, as Server-Sent Events.

mod all;
mod one;
mod sink;
mod sse;

use std::{convert::Infallible, future::ready, str::FromStr, sync::Arc, time::Duration};

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{
    StreamExt as _,
    stream::{self, Stream},
};
use utoipa::ToSchema;

use self::{
    all::AllRuns,
    one::OneRun,
    sink::Telling,
    sse::{END, Scope},
};
use crate::{
    http::{
        app::App,
        limits::response,
        openapi::responses::ReadProblems,
        params::{LAST_EVENT_ID, once, pairs, run_id_in, whole_number},
        problem::Problem,
    },
    run::{FromText, RunId, Status},
    store::SnapshotReason,
};

/// How long a client waits before it connects again, as it is told.
const RETRY: Duration = Duration::from_secs(1);

/// The longest that nothing is sent, so that neither a proxy nor the client takes a stream for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// All runs as they are, newest first, and then every change.
///
/// An event without a name is a run, as `GET /api/runs/{run_id}` shows it; with `status`, one that leaves
/// the status is told once more. `snapshot` (`reason`: `start`, `behind`, `restart`) says that all there
/// is follows, and that what is not told until `live` is gone; `removed` (`run_id`) that a run is no longer
/// kept; `counts` how many runs there are of each status; `heartbeat` that the stream lives.
#[utoipa::path(
    get,
    operation_id = "watchRuns",
    path = "/api/events",
    params(
        ("status" = Option<Status>, Query, description = "Only runs of this status"),
        ("limit" = Option<Present>, Query, description = "How many runs there are to be told at the most"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        ReadProblems
    ),
)]
pub(in crate::http) async fn all(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (mut status, mut limit) = (None, None);
    for (name, value) in pairs(query.as_deref()) {
        match &*name {
            "status" => once(&mut status, "status", &value)?,
            "limit" => once(&mut limit, "limit", &value)?,
            _ => {}
        }
    }
    let Present(most) = limit.unwrap_or_default();
    let scope = Scope::AllRuns(status);
    let follower = match last_event_id(&headers) {
        None => app.store.follow(status, most, SnapshotReason::Start),
        Some(last) => match scope.revision(&app, last) {
            Some(since) => app.store.resume(status, most, since),
            None => app.store.follow(status, most, SnapshotReason::Restart),
        },
    };
    let subscriber = app.subscribers.join()?;
    let telling = Telling::new(Arc::clone(&app), subscriber);
    let runs = AllRuns::new(telling, scope, follower);
    Ok(respond(
        &app,
        stream::unfold(runs, async |mut runs| {
            let event = runs.next().await;
            Some((event, runs))
        }),
    ))
}

/// One run as it is, and then every change, until it is over.
///
/// An event without a name is the run, as `GET /api/runs/{run_id}` shows it; `end` (`run_id`, `status`) is
/// the last event, behind a terminal status. For a run that is not known the stream waits; `removed`
/// (`run_id`) says that it is no longer kept. A client that has been told the end and comes back is
/// answered with 204, upon which a browser does not come again.
#[utoipa::path(
    get,
    operation_id = "watchRun",
    path = "/api/runs/{run_id}/events",
    params(
        ("run_id" = RunId, Path, description = "The run"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "The end has been told"),
        ReadProblems
    ),
)]
pub(in crate::http) async fn one(
    State(app): State<Arc<App>>,
    run_id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run_id = run_id_in(run_id)?;
    let last = last_event_id(&headers);
    if last == Some(END) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let seen = last.and_then(|last| Scope::OneRun.revision(&app, last));
    let subscriber = app.subscribers.join()?;
    let telling = Telling::new(Arc::clone(&app), subscriber);
    let run = OneRun::new(telling, run_id, seen);
    Ok(respond(
        &app,
        stream::unfold(run, async |mut run| {
            let event = run.next().await?;
            Some((event, run))
        }),
    ))
}

fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let last = headers.get(LAST_EVENT_ID)?.to_str().ok()?;
    Some(last).filter(|last| !last.is_empty())
}

/// The stream as an answer, which ends when the service does.
fn respond(app: &App, events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let heartbeat = Event::default().event("heartbeat").data("{}");
    let hello = stream::once(ready(Event::default().retry(RETRY)));
    let events = hello
        .chain(events)
        .take_until(app.shutdown.clone().cancelled_owned())
        .map(Ok::<_, Infallible>);
    let response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT).event(heartbeat))
        .into_response();
    // nginx would collect events before it passes them on.
    let headers = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (
        headers,
        response.map(|body| response::in_portions(body, None)),
    )
        .into_response()
}

/// How many of the runs that are there a stream tells at the most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 0, maximum = 10_000_000, default = 10_000_000)]
pub(in crate::http) struct Present(usize);

impl Present {
    const MOST: usize = 10_000_000;
}

impl Default for Present {
    fn default() -> Self {
        Self(Self::MOST)
    }
}

impl FromStr for Present {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        whole_number(text, 0..=Self::MOST).map(Self)
    }
}

impl FromText for Present {
    const ACCEPTED: &'static str = "a whole number from 0 to 10000000";
}
