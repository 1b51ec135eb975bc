//! Runs as JSON: one, now or when it is over, or a list of them.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use tokio::{task::yield_now, time::sleep};

use super::{
    list::{ListJson, RunList},
    text::{Lines, Text},
    view::RunView,
};
use crate::{
    http::{
        app::App,
        limits::{
            pieces::{self, Gone, Pieces},
            rate::WAKEUP,
        },
        openapi::responses::{OneRunProblems, ReadProblems},
        params::{Cursor, LabelQuery, Limit, ListQuery, Query, RunIdPath, ShowQuery, Wait},
        problem::Problem,
    },
    run::{Run, RunId, Status},
    store::{Filter, PageSearch},
};

/// One run; with `wait`, once it is over.
///
/// The response comes after `wait` seconds at the latest, and shows the run as it is then. A run that is not known yet
/// can be waited for, too.
#[utoipa::path(
    get,
    operation_id = "getRun",
    path = "/api/runs/{run_id}",
    params(("run_id" = RunId, Path, description = "The run"), ShowQuery, LabelQuery),
    responses((status = 200, description = "The run", body = RunView), OneRunProblems),
)]
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    RunIdPath(run_id): RunIdPath,
    Query(query): Query<ShowQuery>,
    Query(labels): Query<LabelQuery>,
) -> Result<Response, Problem> {
    let filter = Filter::default().with_labels(labels.label.0);
    let run = match query.wait {
        None => app.lookup.get(run_id).await?,
        Some(Wait(longest)) => wait_until_terminal(&app, run_id, &filter, longest).await?,
    };
    let run = run.filter(|run| filter.matches(run));
    let run = run.ok_or(Problem::NoSuchRun(run_id))?;
    let around = [Vec::new(), b"\n".to_vec()];
    let json = Text::of_run(&run, around, Lines::AsTheyAre, &app.memory.responses);
    respond(json)
}

/// The run once it is over and `filter` matches it, or as it is after `longest` or when the service shuts down.
async fn wait_until_terminal(
    app: &App,
    run_id: RunId,
    filter: &Filter,
    longest: Duration,
) -> Result<Option<Run>, Problem> {
    let is_over = |run: &Run| run.status().is_some_and(Status::is_terminal) && filter.matches(run);
    if longest.is_zero() {
        return Ok(app.lookup.get(run_id).await?);
    }
    // A run that is not over is dropped at once: what the database had takes memory that nothing counts.
    let finished = |run: Option<Run>| run.filter(is_over);
    if let Some(run) = finished(app.lookup.get(run_id).await?) {
        return Ok(Some(run));
    }
    let mut subscriber = app.subscribers.subscribe()?;
    let mut watch = app.store.watch(run_id);
    let over = async {
        loop {
            watch.changed().await;
            if let Some(run) = finished(app.lookup.look(&mut watch).await?) {
                return Ok(Some(run));
            }
            subscriber.rate.charge(WAKEUP).await;
        }
    };
    tokio::select! {
        run = over => return run,
        () = sleep(longest) => {}
        () = app.drain.cancelled() => {}
    }
    Ok(app.lookup.get(run_id).await?)
}

/// The runs, newest first.
///
/// A walk from page to page shows no run twice and misses none that was there when it began and is still
/// kept.
#[utoipa::path(
    get,
    operation_id = "listRuns",
    path = "/api/runs",
    params(ListQuery, LabelQuery),
    responses((status = 200, description = "A page of runs", body = RunList), ReadProblems),
)]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
    Query(labels): Query<LabelQuery>,
) -> Result<Response, Problem> {
    let Limit(limit) = query.limit.unwrap_or_default();
    let after = query.cursor.map(|Cursor(position)| position);
    let filter = Filter::default()
        .with_status(query.status)
        .with_labels(labels.label.0)
        .with_run_id_prefix(query.run_id_prefix);
    let mut search = PageSearch::new(filter.clone(), after, limit);
    let page = loop {
        match app.store.search(&mut search) {
            Some(page) => break page,
            None => yield_now().await,
        }
    };
    respond(ListJson::new(app, filter, &page))
}

/// A response of JSON that is sent piece by piece.
fn respond(json: impl Pieces + Send + Unpin + 'static) -> Result<Response, Problem> {
    let content_type = HeaderValue::from_static("application/json");
    let body = pieces::body(json).map_err(|Gone| Problem::NoMemory)?;
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}
