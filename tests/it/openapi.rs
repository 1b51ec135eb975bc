//! Whether `/openapi.json` describes the API as it is.

use std::collections::BTreeSet;

use comfydeploy_webhook::run::{PlatformStatus, Update};
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Server, WEBHOOK, run_id, update};

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
        let schemes = description["components"]["securitySchemes"]
            .as_object()
            .unwrap();
        for (path, item) in paths(&description) {
            let token = match path.trim_end_matches('/') {
                WEBHOOK => webhook,
                "/healthz" | "/readyz" => "",
                _ => read,
            };
            for (method, operation) in item.as_object().unwrap() {
                let security = operation["security"].as_array();
                assert_eq!(security.is_some(), !token.is_empty(), "{method} {path}");
                for requirement in security.into_iter().flatten() {
                    let (scheme, _) = requirement.as_object().unwrap().iter().next().unwrap();
                    assert!(schemes.contains_key(scheme), "{scheme}");
                }
            }
        }
    }
}
