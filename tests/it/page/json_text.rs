//! The raw JSON of a run.

use serde_json::{Value, json};

use super::items::evaluate;

#[test]
fn json_is_written_as_the_browser_would() {
    let value = json!({
        "a": [1, -0.5, 1e300, "x\n\"\u{1f600}", true, null, [], {}, [[{ "b": {} }]]], "": "", "c\"": { "__proto__": 1 }
    });
    let function = "(value) => prettyJson(value) === JSON.stringify(value, null, 2)";
    if let Some(is_same) = evaluate(function, &value) {
        assert_eq!(is_same, true);
    }
}

#[test]
fn of_long_json_the_beginning_is_written() {
    let mut deep = json!(vec![1; 1_000]);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let long = "w".repeat(100_000);
    let mut object = serde_json::Map::new();
    object.insert(long.clone(), json!(long));
    let values = json!([deep, long, [long, long], object, vec![1; 100_000]]);
    let function = "(values) => values.map((value) => {
        const json = prettyJson(value, 5000);
        return json === `${JSON.stringify(value, null, 2).slice(0, 5000)}…`;
    })";
    if let Some(found) = evaluate(function, &values) {
        assert_eq!(found, json!([true, true, true, true, true]));
    }
}

#[test]
fn the_rest_of_long_json_is_not_looked_at() {
    let function = "() => {
        let looks = 0;
        const count = { get: (values, key) => (looks += 1, values[key]) };
        prettyJson(new Proxy(Array(1_000_000).fill(0), count), 1000);
        return looks < 5000;
    }";
    if let Some(is_bounded) = evaluate(function, &Value::Null) {
        assert_eq!(is_bounded, true);
    }
}
