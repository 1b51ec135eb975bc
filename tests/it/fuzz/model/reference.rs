//! A second, simpler reader of updates: one field after another, each by itself. The parser has to agree
//! with it.

use std::{collections::BTreeMap, fmt};

use comfydeploy_webhook::run::{
    Dialect, Output, Outputs, ParseError, PlatformStatus, Run, Timestamp, Update,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{readable::is_readable, run_id, signing::latest_date};

/// The words for a status, in the order of a run.
pub(super) const WORDS: [&str; 11] = [
    "not-started",
    "queued",
    "started",
    "processing",
    "running",
    "uploading",
    "cancelled",
    "timeout",
    "failed",
    "completed",
    "success",
];

/// What a body says about a run.
#[derive(Debug, Default)]
pub(super) struct ReferenceUpdate<'a> {
    run_id: Option<String>,
    event_type: Option<String>,
    /// The index in [`WORDS`].
    pub(super) status: Option<usize>,
    progress: Option<f64>,
    pub(super) live_status: Option<String>,
    outputs: Option<Vec<ReferenceOutput<'a>>>,
    /// How many outputs came after the most that are read.
    pub(super) outputs_left_out: usize,
}

/// One output, and the JSON of the fields of it that matter.
#[derive(Debug, Default)]
pub(super) struct ReferenceOutput<'a> {
    pub(super) json: &'a str,
    id: Option<&'a str>,
    updated_at: Option<&'a str>,
    created_at: Option<&'a str>,
}

impl<'a> ReferenceUpdate<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, ParseError> {
        let text = str::from_utf8(body).map_err(|error| ParseError::NotUtf8 {
            at: error.valid_up_to(),
            is_gzip: body.starts_with(b"\x1f\x8b"),
        })?;
        if text.trim_ascii().is_empty() {
            return Err(ParseError::Empty);
        }
        let reason = String::new();
        let json: &RawValue =
            serde_json::from_str(text).map_err(|_| ParseError::NotJson { reason })?;
        if !json.get().starts_with('{') {
            let reason = String::new();
            return Err(ParseError::NotAnObject { reason });
        }
        Self::read_object(json).map_err(|pointer| ParseError::WrongField {
            pointer,
            reason: String::new(),
        })
    }

    /// The error is a pointer to the first wrong value.
    fn read_object(json: &'a RawValue) -> Result<Self, String> {
        let mut update = Self::default();
        for (key, value) in fields(json).ok_or("")? {
            let name: String = typed(key).ok_or("")?;
            let pointer = || format!("/{name}");
            if value.get() == "null" {
                continue;
            }
            let is_valid = match name.as_str() {
                "run_id" => fill(&mut update.run_id, uuid(value)),
                "event_type" => fill(&mut update.event_type, typed(value)),
                "status" => fill(&mut update.status, status(value)),
                "progress" => fill(&mut update.progress, number(value).filter(|n| *n <= 100.0)),
                "live_status" => fill(&mut update.live_status, typed(value).map(first_kibibyte)),
                "outputs" => {
                    let (outputs, left_out) =
                        read_outputs(value).map_err(|rest| pointer() + &rest)?;
                    update.outputs_left_out = left_out;
                    fill(&mut update.outputs, Some(outputs))
                }
                _ => true,
            };
            if !is_valid {
                return Err(pointer());
            }
        }
        Ok(update)
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &ReferenceOutput<'a>> {
        self.outputs.iter().flatten()
    }

    pub(super) fn assert_agrees(&self, update: &Update<'_>) {
        let is_wire = update.dialect == Dialect::Wire;
        assert_eq!(is_wire, self.event_type.is_some());
        let run_id = update.run_id.map(|id| id.to_string());
        assert_eq!(run_id, self.run_id);
        let word = update.status.map(PlatformStatus::word);
        assert_eq!(word, self.status.map(|index| WORDS[index]));
        assert_eq!(update.live_status.as_deref(), self.live_status.as_deref());
        let outputs: Vec<_> = update.outputs.iter().map(Output::json).collect();
        let (kept, _) = kept(self.outputs(), usize::MAX);
        let expected: Vec<_> = kept.iter().map(|output| output.json).collect();
        assert_eq!(outputs, expected);
        let shown = serde_json::to_value(update.progress).unwrap().as_f64();
        match (shown, self.percentage()) {
            (Some(shown), Some(expected)) => assert!((shown - expected).abs() < 1e-9),
            // So close to zero that it is rounded to zero.
            (Some(shown), None) => {
                assert!(shown == 0.0 && self.progress.is_some_and(|sent| sent > -1e-9));
            }
            (shown, expected) => assert_eq!(shown, expected),
        }
        assert!(shown.is_none_or(|shown| (0.0..=100.0).contains(&shown)));
    }

    fn percentage(&self) -> Option<f64> {
        let percentage = match (self.progress?, self.event_type.is_some()) {
            (fraction, true) if fraction <= 1.0 => fraction * 100.0,
            (over, true) if over < 2.0 => 100.0,
            (percentage, _) => percentage,
        };
        (percentage >= 0.0).then_some(percentage)
    }
}

/// The greatest version of each output, by identity, up to the first for which there is no room; and whether there is
/// such an output.
pub(super) fn kept<'s, 'a: 's>(
    outputs: impl Iterator<Item = &'s ReferenceOutput<'a>>,
    max_bytes: usize,
) -> (Vec<&'s ReferenceOutput<'a>>, bool) {
    let version = |output: &ReferenceOutput<'a>| {
        let updated_at = output.updated_at.unwrap_or("");
        (updated_at, latest_date(output.json), output.json)
    };
    let mut all: BTreeMap<&str, (&ReferenceOutput<'a>, usize)> = BTreeMap::new();
    for output in outputs {
        let (kept, largest) = all.entry(identity(output)).or_insert((output, 0));
        if version(output) > version(kept) {
            *kept = output;
        }
        *largest = memory(output.json).max(*largest);
    }
    let mut bytes = 0;
    let first_without_room = all.iter().enumerate().find(|(index, (_, (_, largest)))| {
        bytes += largest;
        *index == Outputs::MAX || bytes > max_bytes
    });
    // Only the beginning of its identity is remembered.
    let end = first_without_room.map(|(_, (identity, _))| {
        let identity = identity.as_bytes();
        &identity[..identity.len().min(64)]
    });
    let has_room = |identity: &str| end.is_none_or(|end| identity.as_bytes() < end);
    let kept = all.iter().filter(|(identity, _)| has_room(identity));
    (
        kept.map(|(_, (output, _))| *output).collect(),
        end.is_some(),
    )
}

/// The bytes of memory that a run takes for an output.
fn memory(json: &str) -> usize {
    let (body, at) = (
        format!(r#"{{"outputs":[{json}]}}"#),
        Timestamp::from_millis(0).unwrap(),
    );
    let mut run = Run::new(run_id(0), at);
    run.merge(&Update::parse(body.as_bytes()).unwrap(), at, usize::MAX);
    run.heap_bytes()
}

/// The JSON of outputs in the order in which a run shows them.
pub(super) fn shown<'s, 'a: 's>(
    outputs: impl Iterator<Item = &'s ReferenceOutput<'a>>,
) -> Vec<&'a str> {
    let by_time = outputs.map(|output| {
        let time = output
            .created_at
            .filter(|at| at.starts_with('"') && *at != "\"\"");
        ((time.is_none(), time, identity(output)), output.json)
    });
    by_time.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Its id, or its whole JSON if the id does not identify it.
fn identity<'a>(output: &ReferenceOutput<'a>) -> &'a str {
    let is_identifying = |id: &&str| *id != r#""""# && !id.starts_with(['{', '[']);
    output.id.filter(is_identifying).unwrap_or(output.json)
}

/// The error is the end of the pointer to the wrong value.
fn read_outputs(value: &RawValue) -> Result<(Vec<ReferenceOutput<'_>>, usize), String> {
    let list: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| String::new())?;
    let outputs = list.iter().enumerate().take(Outputs::MAX);
    let outputs = outputs
        .map(|(index, json)| read_output(json).ok_or(format!("/{index}")))
        .collect::<Result<_, _>>()?;
    let mut rest = list.iter().enumerate().skip(Outputs::MAX);
    if let Some((index, _)) = rest.find(|(_, json)| !json.get().starts_with('{')) {
        return Err(format!("/{index}"));
    }
    Ok((outputs, list.len().saturating_sub(Outputs::MAX)))
}

fn read_output(json: &RawValue) -> Option<ReferenceOutput<'_>> {
    let (mut id, mut updated_at, mut created_at) = (None, None, None);
    for (key, value) in fields(json)? {
        let is_valid = match typed::<String>(key)?.as_str() {
            "id" => fill(&mut id, Some(value.get())),
            "updated_at" => fill(&mut updated_at, Some(value.get())),
            "created_at" => fill(&mut created_at, Some(value.get())),
            _ => true,
        };
        if !is_valid {
            return None;
        }
    }
    is_readable(json.get()).then_some(ReferenceOutput {
        json: json.get(),
        id: id.filter(|id| *id != "null"),
        updated_at: updated_at.filter(|at| *at != "null"),
        created_at,
    })
}

/// Sets a field. False if there is no value, or the field was set before.
fn fill<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    value.is_some_and(|value| field.replace(value).is_none())
}

fn typed<T: DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// As many whole characters as fit into a kibibyte.
fn first_kibibyte(mut text: String) -> String {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| *end <= 1024).last();
    text.truncate(end.unwrap_or(0));
    text
}

/// JSON that the standard library parses as a finite number is a JSON number.
fn number(value: &RawValue) -> Option<f64> {
    value
        .get()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn status(value: &RawValue) -> Option<usize> {
    let word: String = typed(value)?;
    WORDS.iter().position(|known| *known == word)
}

fn uuid(value: &RawValue) -> Option<String> {
    let id: String = typed(value)?;
    let is_valid = |(index, c): (usize, char)| match index {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    (id.len() == 36 && id.chars().enumerate().all(is_valid)).then(|| id.to_ascii_lowercase())
}

/// The fields of an object in order, repeated ones included. `None` if it is not an object.
fn fields(json: &RawValue) -> Option<Vec<(&RawValue, &RawValue)>> {
    struct Fields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

    impl<'de> Deserialize<'de> for Fields<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(FieldsVisitor)
        }
    }

    struct FieldsVisitor;

    impl<'de> Visitor<'de> for FieldsVisitor {
        type Value = Fields<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = map.next_entry()? {
                fields.push(field);
            }
            Ok(Fields(fields))
        }
    }

    serde_json::from_str(json.get())
        .ok()
        .map(|Fields(fields)| fields)
}
