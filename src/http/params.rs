//! Typed parameters of paths and queries.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderName, request::Parts},
};
use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeOwned, IntoDeserializer as _, value},
};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::{
    run::{FromText, RunId, Status, Timestamp, deserialize_from_text},
    store::Position,
};

/// The header in which a client that reconnects to a stream names the last event that it received.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The parameters in a query. Unknown ones are ignored.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let pairs = || form_urlencoded::parse(query);
        let parsed = serde_path_to_error::deserialize(serde_html_form::Deserializer::new(pairs()));
        parsed.map(Self).map_err(|error| {
            let name = error.path().to_string();
            let reason = match pairs().filter(|(other, _)| *other == name).count() {
                0 | 1 => error.into_inner().to_string(),
                _ => "given twice, expected once".to_owned(),
            };
            Problem::Parameter { name, reason }
        })
    }
}

/// The run that a path names.
#[derive(Debug)]
pub(super) struct RunIdPath(pub(super) RunId);

impl<S: Send + Sync> FromRequestParts<S> for RunIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        // A path that is not UTF-8 cannot be shown, but it is no UUID either.
        let text = path.map_or(String::new(), |Path(text)| text);
        let run_id = RunId::deserialize(text.as_str().into_deserializer());
        run_id
            .map(Self)
            .map_err(|error: value::Error| Problem::Parameter {
                name: "run_id".to_owned(),
                reason: error.to_string(),
            })
    }
}

/// How to show a run.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ShowQuery {
    /// Seconds to wait for the run to be over
    pub(super) wait: Option<Wait>,
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only runs of this status
    pub(super) status: Option<Status>,
    /// How many runs, at most
    pub(super) limit: Option<Limit>,
    /// The next_cursor of the page before
    pub(super) cursor: Option<Cursor>,
}

/// Which runs to stream.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Only runs of this status
    pub(super) status: Option<Status>,
    /// How many of the present runs to send, at most
    pub(super) limit: Option<SnapshotLimit>,
}

/// How many runs a page holds, at most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 1, maximum = 500, default = 50)]
pub(super) struct Limit(pub(super) usize);

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

/// How many of the present runs a stream sends, at most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 0, maximum = 10_000_000, default = 10_000_000)]
pub(super) struct SnapshotLimit(pub(super) usize);

impl SnapshotLimit {
    const MAX: usize = 10_000_000;
}

impl Default for SnapshotLimit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

impl FromStr for SnapshotLimit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        whole_number(text, 0..=Self::MAX).map(Self)
    }
}

impl FromText for SnapshotLimit {
    const ACCEPTED: &'static str = "a whole number from 0 to 10000000";
}

/// How long to wait for a run to be over, in seconds.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = u8, minimum = 0, maximum = 60)]
pub(super) struct Wait(pub(super) Duration);

impl FromStr for Wait {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = whole_number(text, 0..=60)?;
        Ok(Self(Duration::from_secs(seconds as u64)))
    }
}

impl FromText for Wait {
    const ACCEPTED: &'static str = "a whole number of seconds from 0 to 60";
}

/// A position in the list, as text that clients send back without looking into it.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(
    value_type = String,
    pattern = "^[0-9]{1,14}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
)]
pub(super) struct Cursor(pub(super) Position);

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
        let millis = millis.parse().map_err(|_| ())?;
        let listed_at = Timestamp::from_millis(millis).ok_or(())?;
        let run_id = run_id.parse().map_err(|_| ())?;
        Ok(Self(Position { listed_at, run_id }))
    }
}

impl FromText for Cursor {
    const ACCEPTED: &'static str = "the next_cursor of an earlier response";
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

deserialize_from_text!(Cursor, Limit, SnapshotLimit, Wait);

fn whole_number(text: &str, accepted: RangeInclusive<usize>) -> Result<usize, ()> {
    let number = text.parse().map_err(|_| ())?;
    accepted.contains(&number).then_some(number).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_the_position_it_was_made_of() {
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
