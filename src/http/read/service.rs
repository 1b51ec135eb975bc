//! The service itself: its clock, where it keeps the runs, and how many there are.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{app::App, json::to_json_line, openapi::responses::ServiceProblems},
    run::{Status, Timestamp},
    store::Counts,
};

/// The service at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Service {
    /// Its time, in which all times of runs are given.
    time: Timestamp,
    /// When this process started.
    started_at: Timestamp,
    runs_kept_in: RunsKeptIn,
    counts: RunCounts,
}

/// Where the runs are kept. A restart loses those that are in memory alone.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RunsKeptIn {
    Memory,
    Database,
}

/// How many runs are in memory: all, also those without a status, and those of each status.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunCounts {
    all: usize,
    queued: usize,
    processing: usize,
    completed: usize,
    failed: usize,
    cancelled: usize,
}

impl From<Counts> for RunCounts {
    fn from(counts: Counts) -> Self {
        let of = |status: Status| counts.by_status[status as usize];
        Self {
            all: counts.all,
            queued: of(Status::Queued),
            processing: of(Status::Processing),
            completed: of(Status::Completed),
            failed: of(Status::Failed),
            cancelled: of(Status::Cancelled),
        }
    }
}

/// The service: its time, where it keeps the runs, and how many there are.
#[utoipa::path(
    get,
    operation_id = "getService",
    path = "/api/service",
    responses((status = 200, description = "The service", body = Service), ServiceProblems),
)]
pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
) -> ([(HeaderName, &'static str); 1], Vec<u8>) {
    let service = Service {
        time: jiff::Timestamp::now().into(),
        started_at: app.started_at,
        runs_kept_in: if app.lookup.has_database() {
            RunsKeptIn::Database
        } else {
            RunsKeptIn::Memory
        },
        counts: app.store.counts().into(),
    };
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, to_json_line(&service))
}
