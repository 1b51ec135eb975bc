//! One update: from the bytes of a body to valid values.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use utoipa::ToSchema;

use super::{
    Label, Labels, Output, ParseError, PlatformStatus, Progress, RunId, UpdateOutputs,
    parse_error::GIVEN_TWICE, progress::RawProgress, text::unexpected_text,
};
use crate::memory::shared_bytes;

/// An update of a run, as ComfyDeploy sends it.
// Text is borrowed from the body where it can be.
#[derive(Debug, ToSchema)]
pub struct Update<'a> {
    /// If present, a `progress` below 2 is a fraction: 0.45 means 45 %, and one above 1 means 100 %.
    #[schema(rename = "event_type", value_type = Option<String>, example = "run.updated")]
    pub dialect: Dialect,
    /// The run. An update without it is accepted, but changes no run.
    pub run_id: Option<RunId>,
    /// The status, in the documented words or in ComfyDeploy's own.
    pub status: Option<PlatformStatus>,
    /// A percentage; with an `event_type`, a value below 2 is a fraction. Negative means unknown.
    #[schema(value_type = Option<RawProgress>, inline)]
    pub progress: Option<Progress>,
    /// What the run is doing, such as `Executing KSampler`.
    #[schema(value_type = Option<String>)]
    pub live_status: Option<Cow<'a, str>>,
    /// All, some or none of the run's outputs.
    #[schema(value_type = Option<Vec<HashMap<String, Value>>>, max_items = 1000)]
    pub outputs: UpdateOutputs<'a>,
    /// Labels for the run. They come from the URL, not from the body.
    #[schema(ignore)]
    pub labels: Labels,
    /// How many labels were over a limit.
    #[schema(ignore)]
    pub labels_left_out: usize,
}

/// The two ways ComfyDeploy writes an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As its API reference describes it.
    Documented,
    /// As its backend sends it: with an `event_type`, and progress as a fraction.
    Wire,
}

impl<'a> Update<'a> {
    /// Parses the body of an update.
    ///
    /// # Errors
    /// When the body is not UTF-8, not JSON, or not a valid update.
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let text = str::from_utf8(body).map_err(|error| ParseError::NotUtf8 {
            at: error.valid_up_to(),
            is_gzip: body.starts_with(b"\x1f\x8b"),
        })?;
        serde_json::from_str(text).map_err(|error| ParseError::diagnose(text, &error))
    }

    /// With these names and values as labels.
    #[must_use]
    pub fn with_labels<N, V>(mut self, labels: impl Iterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut wrong = 0;
        let labels = labels.filter_map(|(name, value)| {
            let label = Label::new(name.as_ref(), value.as_ref());
            wrong += usize::from(label.is_none());
            label
        });
        let (labels, too_many) = Labels::collect(labels);
        self.labels = labels;
        self.labels_left_out = wrong + too_many;
        self
    }

    /// Bytes of memory by which it makes a run grow at most, estimated.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let outputs = self.outputs.iter();
        self.live_status
            .as_deref()
            .map_or(0, |text| shared_bytes(text.len()))
            + self.labels.heap_bytes()
            + outputs.map(Output::memory).sum::<usize>()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Update<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UpdateVisitor)
    }
}

/// Not derived, because `derive` would accept an array, report a field given twice as an error of the whole
/// body instead of that field, and count `null` as given.
struct UpdateVisitor;

impl<'de> Visitor<'de> for UpdateVisitor {
    type Value = Update<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Err(unexpected_text(text, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Update<'de>, A::Error> {
        let mut run_id = None;
        let mut event_type: Option<Text<'de>> = None;
        let mut status = None;
        let mut progress: Option<RawProgress> = None;
        let mut live_status: Option<Text<'de>> = None;
        let mut outputs = None;
        while let Some(field) = map.next_key()? {
            match field {
                Field::RunId => map.next_value_seed(Once(&mut run_id))?,
                Field::EventType => map.next_value_seed(Once(&mut event_type))?,
                Field::Status => map.next_value_seed(Once(&mut status))?,
                Field::Progress => map.next_value_seed(Once(&mut progress))?,
                Field::LiveStatus => map.next_value_seed(Once(&mut live_status))?,
                Field::Outputs => map.next_value_seed(Once(&mut outputs))?,
                Field::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let (dialect, progress) = match event_type {
            Some(_) => (Dialect::Wire, progress.and_then(RawProgress::as_fraction)),
            None => (
                Dialect::Documented,
                progress.and_then(RawProgress::as_percentage),
            ),
        };
        Ok(Update {
            dialect,
            run_id,
            status,
            progress,
            live_status: live_status.map(|Text(text)| text),
            outputs: outputs.unwrap_or_default(),
            labels: Labels::new(),
            labels_left_out: 0,
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    RunId,
    EventType,
    Status,
    Progress,
    LiveStatus,
    Outputs,
    #[serde(other)]
    Unknown,
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Sets a field that may be given once. `null` means absent.
struct Once<'f, T>(&'f mut Option<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Once<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Some(value) = Option::deserialize(deserializer)?
            && self.0.replace(value).is_some()
        {
            return Err(D::Error::custom(GIVEN_TWICE));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::update;

    #[test]
    fn an_empty_object_is_an_update_without_values() {
        let update = update(" {} ");
        assert!(update.run_id.is_none() && update.status.is_none() && update.progress.is_none());
        assert!(update.live_status.is_none() && update.outputs.is_empty());
    }

    #[test]
    fn null_is_absent_and_unknown_fields_are_ignored() {
        let body = r#"{"run_id":null,"event_type":null,"status":null,"progress":null,
            "live_status":null,"outputs":null,"x":[1,{"y":null}],"x":1e999}"#;
        let update = update(body);
        assert!(update.run_id.is_none() && update.outputs.is_empty());
        assert!(Update::parse(br#"{"status":null,"status":"queued"}"#).is_ok());
    }

    #[test]
    fn progress_is_a_fraction_only_in_the_wire_dialect() {
        for (body, percentage) in [
            (r#"{"progress":0.5}"#, "0.5"),
            (r#"{"progress":1}"#, "1"),
            (r#"{"progress":0.5,"event_type":"run.updated"}"#, "50"),
            (r#"{"event_type":"run.output","progress":1}"#, "100"),
            (r#"{"event_type":"run.updated","progress":1.02}"#, "100"),
            (r#"{"progress":1.02}"#, "1.02"),
            (r#"{"event_type":"run.updated","progress":45}"#, "45"),
            (r#"{"event_type":null,"progress":0.5}"#, "0.5"),
            (r#"{"event_type":"run.updated","progress":-1}"#, "null"),
        ] {
            let update = update(body);
            assert_eq!(
                serde_json::to_string(&update.progress).unwrap(),
                percentage,
                "{body}"
            );
        }
    }

    #[test]
    fn text_with_escapes_is_decoded_and_text_without_is_borrowed() {
        let escaped = update(r#"{"live_status":"a\nb","\u0073tatus":"queu\u0065d"}"#);
        assert_eq!(escaped.live_status.as_deref(), Some("a\nb"));
        assert_eq!(escaped.status, Some(PlatformStatus::Queued));
        let plain = update(r#"{"live_status":"Executing KSampler"}"#);
        assert!(matches!(
            plain.live_status,
            Some(Cow::Borrowed("Executing KSampler"))
        ));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let output = format!(r#"{{"outputs":[{{"id":"x","data":{deep}}}]}}"#);
        assert_eq!(update(&output).outputs.len(), 1);
        let unknown = format!(r#"{{"future":{deep}}}"#);
        assert!(Update::parse(unknown.as_bytes()).is_ok());
        let wrong = format!(r#"{{"status":{deep}}}"#);
        assert!(Update::parse(wrong.as_bytes()).is_err());
    }
}
