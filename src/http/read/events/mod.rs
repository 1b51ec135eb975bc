//! Streams of changes, as Server-Sent Events.

mod all;
mod one;
mod sink;
mod sse;

use std::{future::ready, iter, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    StreamExt as _,
    stream::{self, Stream},
};

use self::{
    all::AllRuns,
    one::OneRun,
    sink::EventSink,
    sse::{Event, Scope, end_id},
};
use crate::{
    http::{
        app::App,
        limits::pieces::{Gone, next_piece},
        openapi::responses::ReadProblems,
        params::{LAST_EVENT_ID, LabelQuery, Query, RunIdPath, SnapshotLimit, StreamQuery},
        problem::Problem,
    },
    run::{RunId, Status},
    store::{Filter, SnapshotReason},
};

/// How long a client waits before it reconnects, in milliseconds. This line is sent at once, as many proxies hold back
/// a response that has no body yet. It belongs to the event that follows: some clients take an event with nothing but
/// this line for an empty message.
const RETRY: &str = "retry: 1000\n";

/// First every run in memory that matches, newest first, then every change.
///
/// An event without a name is a run, as `GET /api/runs/{run_id}` shows it; with `status`, a run that stops matching is
/// sent once more. `snapshot` (`reason`: `start`, `behind`, `restart`): all present runs follow; at `live`, drop every
/// run that was not sent since. `live` (`next_cursor`): all were sent, or `limit` of them; `GET /api/runs` returns the
/// rest at this cursor, with the same `status`, `label` and `run_id_prefix`; null if there is none. A client that
/// resumes without a `snapshot` gets no `live`: its last cursor is still valid. `removed` (`run_id`): the run is no longer
/// in memory, or no longer has the label; a database may still have it, and its next update brings it back. `counts`:
/// how many runs there are of each status. `heartbeat`: the stream is alive.
#[utoipa::path(
    get,
    operation_id = "watchRuns",
    path = "/api/events",
    params(
        StreamQuery,
        LabelQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the client received"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        ReadProblems
    ),
)]
pub(in crate::http) async fn all(
    State(app): State<Arc<App>>,
    Query(query): Query<StreamQuery>,
    Query(labels): Query<LabelQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let SnapshotLimit(most) = query.limit.unwrap_or_default();
    let filter = Filter::default()
        .with_status(query.status)
        .with_labels(labels.label.0)
        .with_run_ids(query.run_id.0)
        .with_run_id_prefix(query.run_id_prefix);
    let scope = Scope::runs(&filter);
    let follower = match last_event_id(&headers) {
        None => app.store.follow(filter, most, SnapshotReason::Start),
        Some(last) => match scope.revision(&app, last) {
            Some(since) => app.store.resume(filter, most, since),
            None => app.store.follow(filter, most, SnapshotReason::Restart),
        },
    };
    let sink = EventSink::new(Arc::clone(&app), app.subscribers.subscribe()?);
    let runs = AllRuns::new(sink, scope, follower);
    Ok(respond(
        &app,
        stream::unfold(runs, async |mut runs| {
            let event = runs.next().await;
            Some((event, runs))
        }),
    ))
}

/// First the run as it is, then every change, until the run is over.
///
/// An event without a name is the run, as `GET /api/runs/{run_id}` shows it; `end` (`run_id`, `status`) is the last
/// event, after a final status. If the run is not known yet, the stream waits for it. `removed` (`run_id`): the run is no
/// longer kept, neither in memory nor in the database, or no longer has the label. A client that reconnects after the
/// `end` gets 204, and a browser then stops.
#[utoipa::path(
    get,
    operation_id = "watchRun",
    path = "/api/runs/{run_id}/events",
    params(
        ("run_id" = RunId, Path, description = "The run"),
        LabelQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that the client received"),
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "The client has received the end already"),
        ReadProblems
    ),
)]
pub(in crate::http) async fn one(
    State(app): State<Arc<App>>,
    RunIdPath(run_id): RunIdPath,
    Query(labels): Query<LabelQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = last_event_id(&headers);
    if last.is_some_and(|last| last == end_id(run_id)) && !is_active(&app, run_id).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let filter = Filter::default().with_labels(labels.label.0);
    let scope = Scope::one_run(run_id, &filter);
    let seen = last.and_then(|last| scope.revision(&app, last));
    let sink = EventSink::new(Arc::clone(&app), app.subscribers.subscribe()?);
    let run = OneRun::new(sink, run_id, filter, scope, seen);
    Ok(respond(
        &app,
        stream::unfold(run, async |mut run| {
            let event = run.next().await?;
            Some((event, run))
        }),
    ))
}

/// Whether the run is known and not over. One that was over before can be: it was removed and began again.
async fn is_active(app: &App, run_id: RunId) -> Result<bool, Problem> {
    let run = app.lookup.get(run_id).await?;
    Ok(run.is_some_and(|run| !run.status().is_some_and(Status::is_terminal)))
}

fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let last = headers.get(LAST_EVENT_ID)?.to_str().ok()?;
    Some(last).filter(|last| !last.is_empty())
}

/// A response that streams the events, and ends when the service shuts down.
fn respond(app: &App, events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.take_until(app.drain.clone().cancelled_owned());
    let retry = stream::once(ready(Ok(Bytes::from_static(RETRY.as_bytes()))));
    let body = Body::from_stream(retry.chain(events.flat_map(text)));
    // Without the last two, middleware that compresses and nginx hold events back.
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// The text of an event, piece by piece.
fn text(event: Event) -> impl Stream<Item = Result<Bytes, Gone>> {
    let mut left = Some(event);
    stream::iter(iter::from_fn(move || {
        let next = next_piece(left.as_mut()?);
        if !matches!(next, Ok((_, true))) {
            left = None;
        }
        Some(next.map(|(piece, _)| piece))
    }))
}
