//! Runs as JSON: one, now or when it is over, or a list of them.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use serde::Serialize;
use tokio::time::sleep;
use utoipa::ToSchema;

use super::view::{RunView, json_bytes};
use crate::{
    http::{
        app::App,
        limits::{rate::WAKEUP, response},
        openapi::responses::{OneRunProblems, ReadProblems},
        params::{Cursor, Limit, ListQuery, Query, RunIdPath, ShowQuery, Wait},
        problem::Problem,
    },
    run::{Run, RunId, Status},
};

/// One run; with `wait`, once it is over.
///
/// The response comes after `wait` seconds at the latest, and shows the run as it is then. A run that is not known yet
/// can be waited for, too.
#[utoipa::path(
    get,
    operation_id = "getRun",
    path = "/api/runs/{run_id}",
    params(("run_id" = RunId, Path, description = "The run"), ShowQuery),
    responses((status = 200, description = "The run", body = RunView), OneRunProblems),
)]
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    RunIdPath(run_id): RunIdPath,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Problem> {
    if let Some(Wait(longest)) = query.wait {
        wait_until_terminal(&app, run_id, longest).await?;
    }
    let run = app.store.get(run_id).ok_or(Problem::NoSuchRun(run_id))?;
    response::json(
        &RunView::from(&run),
        json_bytes(&run),
        &app.memory.responses,
    )
}

/// Waits until a run is over, but at most for `longest`, and not while the service shuts down.
async fn wait_until_terminal(app: &App, run_id: RunId, longest: Duration) -> Result<(), Problem> {
    let is_over = |run: &Run| run.status().is_some_and(Status::is_terminal);
    if longest.is_zero() || app.store.get(run_id).is_some_and(|run| is_over(&run)) {
        return Ok(());
    }
    let mut subscriber = app.subscribers.subscribe()?;
    let mut watch = app.store.watch(run_id);
    let over = async {
        loop {
            watch.changed().await;
            let now = app.store.look(&mut watch);
            if now.is_some_and(|(_, run)| is_over(&run)) {
                break;
            }
            subscriber.rate.charge(WAKEUP).await;
        }
    };
    tokio::select! {
        () = over => {}
        () = sleep(longest) => {}
        () = app.shutdown.cancelled() => {}
    }
    Ok(())
}

/// A page of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RunList<'a> {
    /// The run that was first seen last comes first.
    runs: Vec<RunView<'a>>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

/// The runs, newest first.
///
/// A walk from page to page shows no run twice and misses none that was there when it began and is still
/// kept.
#[utoipa::path(
    get,
    operation_id = "listRuns",
    path = "/api/runs",
    params(ListQuery),
    responses((status = 200, description = "A page of runs", body = RunList), ReadProblems),
)]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let Limit(limit) = query.limit.unwrap_or_default();
    let after = query.cursor.map(|Cursor(position)| position);
    let page = app.store.page(query.status, after, limit);
    let list = RunList {
        runs: page.runs.iter().map(RunView::from).collect(),
        next_cursor: page.next.map(Cursor),
    };
    let size = page.runs.iter().map(json_bytes).sum();
    response::json(&list, size, &app.memory.responses)
}
