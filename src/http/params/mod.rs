//! Typed parameters of paths and queries.

mod values;

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderName, request::Parts},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer as _, value},
};
use serde_path_to_error::Segment;
use utoipa::{
    IntoParams,
    openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type},
};

use self::values::Repeated;
pub(super) use self::values::{Cursor, Limit, SnapshotLimit, Wait};
use super::problem::Problem;
use crate::run::{Label, Labels, RunId, RunIdPrefix, Status};

/// The header in which a client that reconnects to a stream names the last event that it received.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The parameters in a query. Unknown ones are ignored.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        if let Some((name, _)) = form_urlencoded::parse(query).find(|(name, _)| name.contains('['))
        {
            // It would not be read, and so a filter would not hold.
            return Err(Problem::Parameter {
                name: name.into_owned(),
                reason: "expected the name without brackets, once for each value".to_owned(),
            });
        }
        let pairs = serde_html_form::Deserializer::new(form_urlencoded::parse(query));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| {
                // Without the index of a value: `label`, not `label[0]`.
                let name = error.path().iter().next().map(Segment::to_string);
                let reason = match error.inner().to_string() {
                    text if text == "unsupported value" => "given twice, expected once".to_owned(),
                    text => text,
                };
                Problem::Parameter {
                    name: name.unwrap_or_default(),
                    reason,
                }
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

/// Which labels a run has to have.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LabelQuery {
    /// Only runs with this label, as name:value. Of several, a run has to have each
    #[serde(default)]
    #[param(schema_with = label_schema, required = false, example = json!(["user:42"]))]
    pub(super) label: Repeated<Label, { Labels::MAX }>,
}

/// Fewer labels than are accepted: a pattern counts characters, and the limits are in bytes.
fn label_schema() -> Array {
    let label = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!-9;-~]{1,64}:[ -~]{0,256}$"));
    let labels = ArrayBuilder::new().items(label);
    labels.max_items(Some(Labels::MAX)).build()
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
    /// Only runs whose ids begin like this, in upper or lower case, with or without hyphens
    pub(super) run_id_prefix: Option<RunIdPrefix>,
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
    /// Only this run. Of several, each of them
    #[serde(default)]
    #[param(value_type = Vec<RunId>, required = false, max_items = 100)]
    pub(super) run_id: Repeated<RunId, 100>,
    /// Only runs whose ids begin like this, in upper or lower case, with or without hyphens
    pub(super) run_id_prefix: Option<RunIdPrefix>,
    /// How many of the present runs to send, at most
    pub(super) limit: Option<SnapshotLimit>,
}
