//! The outputs of simulated runs, with the fields that real ones have.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

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
            "url": landscape(rng),
            "type": "output",
            "filename": format!("ComfyUI_{n:05}_.svg"),
            "subfolder": "",
            "is_public": true,
            "upload_duration": f64::from(rng.u16(80..900)) / 1000.0,
        })
    });
    let images: Value = images.collect();
    let node = json!({"node_id": "9", "node_class": "SaveImage"});
    output(run_id, time, &node, &json!({"images": images}))
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

/// A small picture as a `data:` URL, so that nothing has to be fetched: a sky, a sun with its glow, and three
/// ranges of hills, the nearest the darkest.
fn landscape(rng: &mut Rng) -> String {
    let hue = rng.u16(..360);
    let glow = (hue + rng.u16(30..=90)) % 360;
    let (x, y, radius) = (rng.u8(22..=78), rng.u8(24..=46), rng.u8(6..=11));
    let halo = radius * 3;
    let hills = [(54_u8, 50), (67, 35), (81, 21)].map(|(horizon, lightness)| {
        let [start, top, middle, end] = [(); 4].map(|()| rng.u8(horizon - 9..=horizon + 9));
        format!(
            "<path fill='hsl({hue},45%,{lightness}%)' \
             d='M0 100V{start}Q18 {top} 38 {middle}T70 {middle}T100 {end}V100z'/>"
        )
    });
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='512' height='512' viewBox='0 0 100 100'>\
         <linearGradient id='s' x2='0' y2='1'><stop stop-color='hsl({hue},55%,38%)'/>\
         <stop offset='.75' stop-color='hsl({glow},75%,74%)'/></linearGradient>\
         <radialGradient id='h'><stop stop-color='#fff' stop-opacity='.6'/>\
         <stop offset='1' stop-color='#fff' stop-opacity='0'/></radialGradient>\
         <path fill='url(#s)' d='M0 0h100v100H0z'/>\
         <circle cx='{x}' cy='{y}' r='{halo}' fill='url(#h)'/>\
         <circle cx='{x}' cy='{y}' r='{radius}' fill='hsl({glow},90%,93%)'/>{}</svg>",
        hills.concat()
    );
    format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(svg))
}
