//! The description of the API against the API.

use std::collections::BTreeSet;

use comfydeploy_webhook::run::{PlatformStatus, Update};
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Server, WEBHOOK, run_id};

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
async fn every_method_of_every_path_is_described_and_no_other() {
    let server = Server::start().await;
    server
        .accept(format!(r#"{{"run_id":"{}"}}"#, run_id(1)))
        .await;
    for (path, item) in paths(&description(&server).await) {
        let here = path.replace("{run_id}", &run_id(1));
        for method in METHODS {
            let request = server.request(method.clone(), &here);
            let request = request.header("content-type", "application/json");
            let status = request.body("{}").send().await.unwrap().status();
            let name = method.as_str().to_lowercase();
            let expected = if item.get(&name).is_some() { 200 } else { 405 };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_operation_has_its_own_name_and_says_what_is_answered() {
    let server = Server::start().await;
    let description = description(&server).await;
    let mut names = BTreeSet::new();
    for (path, item) in paths(&description) {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(name) = operation["operationId"].as_str() {
                assert!(names.insert(name.to_owned()), "{name} is there twice");
            }
            assert!(operation["summary"].is_string(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("200"), "{method} {path}");
        }
    }
    assert!(names.len() >= 8, "{names:?}");
}

#[tokio::test]
async fn the_examples_are_updates_in_both_dialects() {
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
async fn the_statuses_described_are_those_that_are_taken() {
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
async fn a_token_is_asked_for_in_the_description_where_one_is_needed() {
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
        let schemes = description["components"]["securitySchemes"]
            .as_object()
            .unwrap();
        for (path, item) in paths(&description) {
            let token = match path.trim_end_matches('/') {
                WEBHOOK => webhook,
                "/healthz" | "/readyz" => "",
                _ => read,
            };
            let security = item["get"]["security"].as_array();
            assert_eq!(security.is_some(), !token.is_empty(), "{path}");
            for way in security.into_iter().flatten() {
                let (way, _) = way.as_object().unwrap().iter().next().unwrap();
                assert!(schemes.contains_key(way), "{way}");
            }
        }
    }
}
