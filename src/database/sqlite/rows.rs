//! Runs as rows, and rows as runs.

use std::{collections::BTreeMap, error::Error, fmt::Display, str::FromStr};

use rusqlite::{
    Row,
    types::{FromSql, Type, Value},
};
use sha2::{Digest as _, Sha256};

use crate::run::{Label, Labels, Output, Outputs, Progress, Run, RunId, RunParts, Seen};

/// The columns that [`run`] reads.
pub(super) const COLUMNS: &str = "run, run_id, platform_status, progress, live_status, labels, queued_at, started_at, \
     ended_at, first_seen_at, last_seen_at, furthest_progress, outputs_incomplete, outputs_end";

/// Bytes of an identity that are a key as they are. Most ids are UUIDs.
const MAX_KEY: usize = 128;

/// What tells the outputs of a run apart: the identity, or its hash if it is long.
pub(super) fn key(output: &Output) -> String {
    let identity = output.identity();
    if identity.len() <= MAX_KEY {
        return identity.to_owned();
    }
    // No identity begins like this: it is JSON.
    let prefix = String::from("sha256:");
    let hash = Sha256::digest(identity);
    hash.iter()
        .fold(prefix, |key, byte| key + &format!("{byte:02x}"))
}

/// A percentage as a value: a whole one without a fraction, for people who look.
pub(super) fn percentage(progress: Progress) -> Value {
    let percentage = progress.get();
    if percentage.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 100")]
        Value::Integer(percentage as i64)
    } else {
        Value::Real(percentage)
    }
}

/// Labels as a value.
pub(super) fn labels_json(labels: &Labels) -> String {
    serde_json::to_string(labels).expect("a map of strings is JSON")
}

/// The number of a row of runs.
pub(super) fn number(row: &Row<'_>) -> rusqlite::Result<i64> {
    row.get("run")
}

/// The run of a row, which has these outputs.
pub(super) fn run(row: &Row<'_>, outputs: Outputs) -> rusqlite::Result<Run> {
    Ok(Run::from(RunParts {
        id: run_id(row)?,
        platform_status: optional(row, "platform_status")?,
        progress: progress(row, "progress")?,
        furthest_progress: progress(row, "furthest_progress")?,
        live_status: text(row, "live_status")?.map(Into::into),
        outputs,
        labels: labels(text(row, "labels")?.unwrap_or_default())
            .map_err(|error| invalid(row, "labels", error))?,
        seen: Seen {
            first: required(row, "first_seen_at")?,
            last: required(row, "last_seen_at")?,
            queued: optional(row, "queued_at")?,
            started: optional(row, "started_at")?,
            ended: optional(row, "ended_at")?,
        },
    }))
}

pub(super) fn run_id(row: &Row<'_>) -> rusqlite::Result<RunId> {
    required(row, "run_id")
}

/// An error about a value of a row.
pub(super) fn invalid(row: &Row<'_>, column: &str, error: impl Display) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(usize::MAX);
    let run_id = text(row, "run_id").ok().flatten().unwrap_or("?");
    let error = format!("{column} of run {run_id}: {error}");
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}

/// A value as SQLite has it.
pub(super) fn value<T: FromSql>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get(column).map_err(|error| invalid(row, column, error))
}

fn text<'r>(row: &'r Row<'_>, column: &str) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?
        .as_str_or_null()
        .map_err(|error| invalid(row, column, error))
}

fn optional<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: FromStr<Err: Display>,
{
    text(row, column)?
        .map(str::parse)
        .transpose()
        .map_err(|error: T::Err| invalid(row, column, error))
}

fn required<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr<Err: Display>,
{
    optional(row, column)?.ok_or_else(|| invalid(row, column, "there is none"))
}

fn progress(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Progress>> {
    let Some(percentage) = value(row, column)? else {
        return Ok(None);
    };
    let progress = Progress::from_percentage(percentage);
    progress
        .map(Some)
        .ok_or_else(|| invalid(row, column, "expected a percentage"))
}

fn labels(json: &str) -> Result<Labels, Box<dyn Error + Send + Sync>> {
    if json == "{}" {
        return Ok(Labels::new());
    }
    let by_name: BTreeMap<String, String> = serde_json::from_str(json)?;
    let labels = by_name
        .iter()
        .map(|(name, value)| Label::new(name, value).ok_or("a label is over the limit"));
    let (labels, _) = Labels::collect(labels.collect::<Result<Vec<_>, _>>()?);
    Ok(labels)
}
