//! Whether `/openapi.json` describes the API as it is.

use std::collections::BTreeSet;

use comfydeploy_webhook::run::{PlatformStatus, Update};
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};

use crate::harness::{Server, WEBHOOK, fixtures, run_id, update};

const METHODS: [Method; 6] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

async fn description(server: &Server) -> Value {
    let description = server.json("/openapi.json").await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    description
}

fn paths(description: &Value) -> impl Iterator<Item = (&String, &Value)> {
    description["paths"].as_object().unwrap().iter()
}

#[tokio::test]
async fn exactly_the_methods_that_work_are_described() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    for (path, item) in paths(&description(&server).await) {
        let url = path.replace("{run_id}", &run_id(1));
        for method in METHODS {
            let request = server.request(method.clone(), &url);
            let request = match path.as_str() {
                WEBHOOK => request
                    .header("content-type", "application/json")
                    .body("{}"),
                _ => request,
            };
            let status = request.send().await.unwrap().status();
            let name = method.as_str().to_lowercase();
            let expected = if item.get(&name).is_some() { 200 } else { 405 };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_operation_has_a_unique_id_a_summary_and_a_200_response() {
    let server = Server::start().await;
    let description = description(&server).await;
    let mut ids = BTreeSet::new();
    for (path, item) in paths(&description) {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("200"), "{method} {path}");
        }
    }
    assert!(ids.len() >= 8, "{ids:?}");
}

#[tokio::test]
async fn every_schema_that_is_referred_to_is_described() {
    let server = Server::start().await;
    let description = description(&server).await;
    let schemas = &description["components"]["schemas"];
    let text = description.to_string();
    let references: Vec<_> = text.split(r##""#/components/schemas/"##).skip(1).collect();
    assert!(references.len() > 10);
    for reference in references {
        let (name, _) = reference.split_once('"').unwrap();
        assert!(schemas[name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_examples_are_valid_updates_in_both_dialects() {
    let server = Server::start().await;
    let description = description(&server).await;
    let operation = &description["paths"][WEBHOOK]["post"];
    let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
    for (dialect, shown) in [("documented", "100"), ("wire", "45")] {
        let body = examples[dialect]["value"].to_string();
        let update = Update::parse(body.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&update.progress).unwrap(), shown);
        assert!(update.run_id.is_some() && update.status.is_some());
        server.accept(body).await;
    }
}

#[tokio::test]
async fn the_described_statuses_are_those_that_are_accepted() {
    let server = Server::start().await;
    let description = description(&server).await;
    let words = &description["components"]["schemas"]["PlatformStatus"]["enum"];
    let words = words.as_array().unwrap();
    assert_eq!(words.len(), 11);
    for word in words {
        let word = word.as_str().unwrap();
        assert_eq!(word.parse::<PlatformStatus>().unwrap().word(), word);
    }
}

#[tokio::test]
async fn security_is_described_exactly_where_a_token_is_needed() {
    for (webhook, read) in [
        ("", ""),
        ("writer", ""),
        ("", "reader"),
        ("writer", "reader"),
    ] {
        let server = Server::with_tokens(webhook, read, &[]).await;
        let request = server
            .request(Method::GET, "/openapi.json")
            .bearer_auth("reader");
        let description: Value = request.send().await.unwrap().json().await.unwrap();
        let schemes = description["components"]["securitySchemes"].as_object();
        let are_described = !(webhook.is_empty() && read.is_empty());
        assert_eq!(schemes.is_some(), are_described, "{schemes:?}");
        for (path, item) in paths(&description) {
            let token = match path.trim_end_matches('/') {
                WEBHOOK => webhook,
                "/healthz" | "/readyz" => "",
                _ => read,
            };
            for (method, operation) in item.as_object().unwrap() {
                // An empty list says that none is needed; without a list, a client could not tell.
                let security = operation["security"].as_array().unwrap();
                let ways = if token.is_empty() { 0 } else { 3 };
                assert_eq!(security.len(), ways, "{method} {path}");
                for requirement in security {
                    let (scheme, _) = requirement.as_object().unwrap().iter().next().unwrap();
                    assert!(schemes.unwrap().contains_key(scheme), "{scheme}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_server_is_where_the_description_is_under_any_path_of_a_proxy() {
    let server = Server::start().await;
    let description = description(&server).await;
    assert_eq!(description["servers"], json!([{ "url": "." }]));
    let here = Url::parse("https://example.com/comfy/openapi.json").unwrap();
    assert_eq!(
        here.join(".").unwrap().as_str(),
        "https://example.com/comfy/"
    );
}

#[tokio::test]
async fn every_error_is_a_problem_so_that_a_client_without_one_has_data() {
    let server = Server::start().await;
    for (path, item) in paths(&description(&server).await) {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = response["content"].as_object();
                if status.starts_with(['2', '3']) {
                    let types = content.map_or(0, Map::len);
                    assert!(types <= 1, "{method} {path} {status}");
                } else {
                    let problem = &content.unwrap()["application/problem+json"]["schema"];
                    let expected = json!({ "$ref": "#/components/schemas/Problem" });
                    assert_eq!(problem, &expected, "{method} {path} {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_output_of_a_run_has_the_fields_that_comfydeploy_writes_and_an_update_takes_any_object()
{
    let server = Server::start().await;
    let description = description(&server).await;
    let schemas = &description["components"]["schemas"];
    let outputs = &schemas["Run"]["properties"]["outputs"]["items"];
    assert_eq!(outputs, &json!({ "$ref": "#/components/schemas/Output" }));
    let output = &schemas["Output"]["properties"];
    let data = &output["data"];
    assert!(
        data.get("type").is_none(),
        "after a cancel it may be a list"
    );
    let image = json!({ "$ref": "#/components/schemas/MediaItem" });
    assert_eq!(data["properties"]["images"]["items"], image);
    let mut outputs = 0;
    for (name, body) in fixtures("wire-").iter().chain(&fixtures("documented-")) {
        let update: Value = serde_json::from_str(body).unwrap();
        for sent in update["outputs"].as_array().into_iter().flatten() {
            assert_describes(output, sent, name);
            for (kind, files) in sent["data"].as_object().unwrap() {
                assert!(data["properties"].get(kind).is_some(), "{name} {kind}");
                for file in files
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|file| file.is_object())
                {
                    assert_describes(&schemas["MediaItem"]["properties"], file, name);
                }
            }
            outputs += 1;
        }
    }
    assert!(outputs > 5, "{outputs}");
    let sent = &schemas["Update"]["properties"]["outputs"]["items"];
    assert_eq!(sent["additionalProperties"], json!({}));
}

/// Checks that each field of an object is described, with its type.
#[track_caller]
fn assert_describes(properties: &Value, object: &Value, name: &str) {
    for (field, value) in object.as_object().unwrap() {
        // Of one node, and not of all.
        if field == "format" {
            continue;
        }
        let described = &properties[field]["type"];
        let word = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let is_described = match described {
            Value::String(one) => one == word,
            Value::Array(several) => several.iter().any(|one| one == word),
            // Any type.
            _ => properties.get(field).is_some(),
        };
        assert!(is_described, "{name}: {field} is {word}, not {described}");
    }
}
