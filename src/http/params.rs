//! Parameters of paths, queries and headers.

use std::{borrow::Cow, ops::RangeInclusive};

use axum::{
    extract::{Path, rejection::PathRejection},
    http::HeaderName,
};

use super::problem::Problem;
use crate::run::{FromText, RunId};

/// The header in which a client that comes back to a stream says what it was told last.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The names and values in a query string.
pub(super) fn pairs(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
}

/// Fills a parameter that may be given once.
pub(super) fn once<T: FromText>(
    slot: &mut Option<T>,
    name: &'static str,
    text: &str,
) -> Result<(), Problem> {
    match slot.replace(parameter(name, text)?) {
        None => Ok(()),
        Some(_) => Err(Problem::bad_parameter(name, "given twice, expected once")),
    }
}

pub(super) fn parameter<T: FromText>(name: &'static str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| {
        let reason = format!("found {text:?}, expected {}", T::ACCEPTED);
        Problem::bad_parameter(name, &reason)
    })
}

pub(super) fn whole_number(text: &str, accepted: RangeInclusive<usize>) -> Result<usize, ()> {
    let number = text.parse().map_err(|_| ())?;
    accepted.contains(&number).then_some(number).ok_or(())
}

/// The run that a path names.
pub(super) fn run_id_in(path: Result<Path<String>, PathRejection>) -> Result<RunId, Problem> {
    // A path that is not UTF-8 cannot be shown, but it is no UUID either.
    let run_id = path.map_or(String::new(), |Path(run_id)| run_id);
    parameter("run_id", &run_id)
}
