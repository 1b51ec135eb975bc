//! The outputs that simulated runs make, with the fields that real ones have.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::{dice::Dice, picture::landscape};

/// What the prompts are made of.
const PLACES: [&str; 8] = [
    "rolling hills",
    "a quiet mountain lake",
    "dunes by the sea",
    "a misty valley",
    "islands in the fog",
    "moors in autumn",
    "a distant coast",
    "terraced fields",
];
const LIGHTS: [&str; 6] = [
    "at dusk",
    "at first light",
    "under a full moon",
    "in the golden hour",
    "before the storm",
    "on a clear winter day",
];
const STYLES: [&str; 5] = [
    "flat illustration",
    "gouache on paper",
    "risograph print",
    "soft pastel",
    "paper cut-out",
];

/// The prompt that the run was given, which is an output as well.
pub(super) fn prompt(dice: &mut Dice, run_id: Uuid, created_at: &str) -> Value {
    let parts = [&PLACES[..], &LIGHTS, &STYLES].map(|choices| dice.one_of(choices));
    let [place, light, style] = parts;
    let data = json!({"text": [format!("{place} {light}, {style}")]});
    let node = ("14", "ShowText|pysssss");
    output(dice, run_id, None, &data, node, created_at)
}

/// One to three pictures, made by one node.
pub(super) fn pictures(dice: &mut Dice, run_id: Uuid, created_at: &str) -> Value {
    let images: Vec<Value> = (1..=dice.within(1, 3))
        .map(|nth| {
            json!({
                "url": landscape(dice.roll()),
                "type": "output",
                "filename": format!("ComfyUI_{nth:05}_.svg"),
                "subfolder": "",
                "is_public": true,
                "upload_duration": Duration::from_millis(dice.within(80, 900)).as_secs_f64(),
            })
        })
        .collect();
    let data = json!({"images": images});
    let node = ("9", "SaveImage");
    output(dice, run_id, Some("final_result"), &data, node, created_at)
}

fn output(
    dice: &mut Dice,
    run_id: Uuid,
    output_id: Option<&str>,
    data: &Value,
    (node_id, node_class): (&str, &str),
    created_at: &str,
) -> Value {
    let bits = run_id.as_u128().rotate_left(64) ^ u128::from(dice.roll());
    json!({
        "id": Builder::from_random_bytes(bits.to_be_bytes()).into_uuid(),
        "output_id": output_id,
        "run_id": run_id,
        "data": data,
        "node_meta": {"node_id": node_id, "node_class": node_class},
        "created_at": created_at,
        "updated_at": created_at,
        "type": null,
        "node_id": node_id,
    })
}
