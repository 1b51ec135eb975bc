//! Reading the runs.

use std::{fmt, str::FromStr, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::wait::{Wait, until_over};
use crate::{
    http::{
        app::App,
        limits::response,
        openapi::responses::{OneRunProblems, ReadProblems},
        params::{once, pairs, run_id_in, whole_number},
        problem::Problem,
    },
    run::{FromText, Outputs, PlatformStatus, Progress, Run, RunId, Status, Timestamp},
    store::Position,
};

/// A run as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(in crate::http) struct RunView<'a> {
    /// The run.
    run_id: RunId,
    /// In the words of ComfyDeploy's API reference; null while none was reported.
    #[schema(required)]
    status: Option<Status>,
    /// The same in the platform's own word.
    #[schema(required)]
    platform_status: Option<PlatformStatus>,
    /// A percentage, or null. It need not reach 100 for the run to be completed.
    #[schema(required)]
    progress: Option<Progress>,
    /// What the run was last known to be busy with.
    #[schema(required)]
    live_status: Option<&'a str>,
    /// Every output, each once, byte for byte as ComfyDeploy wrote it, in a stable order.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    outputs: &'a Outputs,
    /// When the first of its updates was received.
    first_seen_at: Timestamp,
    /// When the last of its updates was received.
    last_seen_at: Timestamp,
}

impl<'a> From<&'a Run> for RunView<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            run_id: run.id(),
            status: run.status(),
            platform_status: run.platform_status(),
            progress: run.progress(),
            live_status: run.live_status(),
            outputs: run.outputs(),
            first_seen_at: run.seen().first,
            last_seen_at: run.seen().last,
        }
    }
}

/// A run on its way into a response.
#[derive(Debug)]
struct RunBody(Run);

impl Serialize for RunBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RunView::from(&self.0).serialize(serializer)
    }
}

/// One run; with `wait`, once it is over.
///
/// The seconds to `wait` are the longest: then the run is shown as it is. One that is not known is waited
/// for, too.
#[utoipa::path(
    get,
    operation_id = "getRun",
    path = "/api/runs/{run_id}",
    params(
        ("run_id" = RunId, Path, description = "The run"),
        ("wait" = Option<Wait>, Query, description = "Seconds to wait for the run to be over"),
    ),
    responses((status = 200, description = "The run", body = RunView), OneRunProblems),
)]
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    run_id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let run_id = run_id_in(run_id)?;
    let mut wait = None;
    for (name, value) in pairs(query.as_deref()) {
        if name == "wait" {
            once(&mut wait, "wait", &value)?;
        }
    }
    if let Some(Wait(longest)) = wait {
        until_over(&app, run_id, longest).await?;
    }
    let run = app.store.get(run_id).ok_or_else(|| {
        let detail = format!("no update of run {run_id} has arrived, or it is no longer kept");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    let size = run.json_bytes();
    response::json(&RunBody(run), size, &app.answers)
}

/// A page of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RunList {
    /// Those first seen last come first.
    #[schema(value_type = Vec<RunView<'static>>)]
    runs: Vec<RunBody>,
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
    params(
        ("status" = Option<Status>, Query, description = "Only runs of this status"),
        ("limit" = Option<Limit>, Query, description = "How many runs at the most"),
        ("cursor" = Option<Cursor>, Query, description = "The next_cursor of the page before"),
    ),
    responses((status = 200, description = "A page of runs", body = RunList), ReadProblems),
)]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (mut status, mut limit, mut cursor) = (None, None, None);
    for (name, value) in pairs(query.as_deref()) {
        match &*name {
            "status" => once(&mut status, "status", &value)?,
            "limit" => once(&mut limit, "limit", &value)?,
            "cursor" => once(&mut cursor, "cursor", &value)?,
            _ => {}
        }
    }
    let Limit(limit) = limit.unwrap_or_default();
    let after = cursor.map(|Cursor(position)| position);
    let page = app.store.page(status, after, limit);
    let size = page.runs.iter().map(Run::json_bytes).sum();
    let list = RunList {
        runs: page.runs.into_iter().map(RunBody).collect(),
        next_cursor: page.next.map(Cursor),
    };
    response::json(&list, size, &app.answers)
}

/// How many runs a page shows at the most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 1, maximum = 500, default = 50)]
pub(in crate::http) struct Limit(usize);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromStr for Limit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        whole_number(text, 1..=500).map(Self)
    }
}

impl FromText for Limit {
    const ACCEPTED: &'static str = "a whole number from 1 to 500";
}

/// A place in the list, as text that clients hand back without looking into it.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(
    value_type = String,
    pattern = "^[0-9]{1,14}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
)]
pub(in crate::http) struct Cursor(Position);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { listed_at, run_id } = self.0;
        write!(f, "{}.{run_id}", listed_at.as_millis())
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, run_id) = text.split_once('.').ok_or(())?;
        let listed_at = millis
            .parse()
            .ok()
            .and_then(Timestamp::from_millis)
            .ok_or(())?;
        let run_id = run_id.parse().map_err(|_| ())?;
        Ok(Self(Position { listed_at, run_id }))
    }
}

impl FromText for Cursor {
    const ACCEPTED: &'static str = "the next_cursor of an earlier answer";
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Update;

    #[test]
    fn a_run_takes_no_more_bytes_than_were_asked_for() {
        let odd = "\\u0001".repeat(1_000);
        let long = format!(
            r#"{{"status":"not-started","progress":12.345678901234567,"live_status":"{odd}",
                "outputs":[{{}},{{"id":1}},{{"id":2}}]}}"#
        );
        for body in ["{}", &long] {
            let id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
            let at = Timestamp::from_millis(253_402_207_200_000).unwrap();
            let mut run = Run::new(id, at);
            run.merge(&Update::parse(body.as_bytes()).unwrap(), at);
            let json = serde_json::to_vec(&RunView::from(&run)).unwrap();
            assert!(json.len() <= run.json_bytes(), "{body}");
        }
    }

    #[test]
    fn a_cursor_reads_back_as_the_place_it_was_made_of() {
        let cursor = "1772366400007.7c9e6679-7425-40de-944b-e07fc1f90ae7";
        assert_eq!(cursor.parse::<Cursor>().unwrap().to_string(), cursor);
        for bad in [
            "",
            ".",
            "1",
            "x.7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "1.2",
        ] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
