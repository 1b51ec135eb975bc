//! The outputs of simulated runs, with the fields that real ones have.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::landscape::landscape;

const PROMPTS: [&str; 8] = [
    "rolling hills at dusk, flat illustration",
    "a quiet mountain lake at first light, gouache on paper",
    "dunes by the sea under a full moon, risograph print",
    "a misty valley in the golden hour, soft pastel",
    "islands in the fog, paper cut-out",
    "moors in autumn before the storm, gouache on paper",
    "a distant coast on a clear winter day, flat illustration",
    "terraced fields in the rain, risograph print",
];

/// The prompt that the run was given: many workflows show it.
pub(super) fn prompt(rng: &mut Rng, run_id: Uuid, time: &str) -> Value {
    let text = PROMPTS[rng.usize(..PROMPTS.len())];
    let node = json!({"node_id": "14", "node_class": "ShowText|pysssss"});
    output(run_id, time, &node, &json!({"text": [text]}))
}

/// One to three pictures.
pub(super) fn pictures(rng: &mut Rng, run_id: Uuid, time: &str) -> Value {
    let images = (1..=rng.u8(1..=3)).map(|n| {
        json!({
            "url": picture(rng),
            "type": "output",
            "filename": format!("ComfyUI_{n:05}_.png"),
            "subfolder": "",
            "is_public": true,
            "upload_duration": f64::from(rng.u16(80..900)) / 1000.0,
        })
    });
    let images: Value = images.collect();
    let node = json!({"node_id": "9", "node_class": "SaveImage"});
    output(run_id, time, &node, &json!({"images": images}))
}

/// A small picture as a `data:` URL, so that nothing has to be fetched.
fn picture(rng: &mut Rng) -> String {
    let png = BASE64_STANDARD.encode(landscape(rng));
    format!("data:image/png;base64,{png}")
}

/// ComfyUI's `execution_error` message, which ComfyDeploy passes on as an output of no node.
pub(super) fn error(_: &mut Rng, run_id: Uuid, time: &str) -> Value {
    let data = include_str!("execution_error.json");
    let mut data: Value = serde_json::from_str(data).expect("the file is JSON");
    data["prompt_id"] = json!(run_id);
    output(run_id, time, &Value::Null, &data)
}

fn output(run_id: Uuid, time: &str, node: &Value, data: &Value) -> Value {
    json!({
        "id": Uuid::new_v4(),
        "output_id": null,
        "run_id": run_id,
        "data": data,
        "node_meta": node,
        "created_at": time,
        "updated_at": time,
        "type": null,
        "node_id": node["node_id"],
    })
}
