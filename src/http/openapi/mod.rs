//! The description of the API for tools: OpenAPI 3.1, made of the types that parse and answer.

pub(super) mod responses;

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, header},
};
use http_body_util::Full;
use utoipa::{
    OpenApi,
    openapi::{
        self, PathItem, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use self::responses::FileProblems;
use super::{
    app::{App, WEBHOOK_PATH},
    limits::response,
    ops, page,
    problem::Problem,
    read::{
        events::{self, Present},
        runs::{self, Limit},
        wait::Wait,
    },
    webhook,
};

/// Everything but what depends on the tokens set.
#[derive(OpenApi)]
#[openapi(
    paths(
        webhook::receive,
        runs::list,
        runs::show,
        events::all,
        events::one,
        ops::healthz,
        ops::readyz,
        ops::metrics,
        page::show,
        show
    ),
    components(schemas(Limit, Present, Problem, Wait))
)]
struct Api;

/// The three ways to present a token.
const WAYS: [&str; 3] = ["bearer", "basic", "query"];

/// This description.
#[utoipa::path(
    get,
    operation_id = "getOpenApi",
    path = "/openapi.json",
    responses((status = 200, description = "The description", body = Object), FileProblems),
)]
pub(super) async fn show(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], Body) {
    let json = app.description.get_or_init(|| {
        let document = document(app.webhook_tokens.is_some(), app.read_tokens.is_some());
        let json = serde_json::to_vec(&document);
        Bytes::from(json.expect("its keys are strings, and a vector takes all that is written"))
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (
        headers,
        response::in_portions(Full::new(json.clone()), None),
    )
}

/// The description of a service that asks for these tokens.
pub(super) fn document(webhook_token: bool, read_token: bool) -> openapi::OpenApi {
    let mut document = Api::openapi();
    let ways: Vec<_> = WAYS
        .iter()
        .map(|way| SecurityRequirement::new::<_, _, &str>(*way, []))
        .collect();
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    let query = ApiKey::Query(ApiKeyValue::new("token"));
    components.add_security_scheme("query", SecurityScheme::ApiKey(query));

    let paths = &mut document.paths.paths;
    for (path, item) in paths.iter_mut() {
        let is_set = if path == WEBHOOK_PATH {
            webhook_token
        } else {
            read_token
        };
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let is_guarded = is_set && operation.responses.responses.contains_key("401");
            operation.security = is_guarded.then(|| ways.clone());
        }
    }
    // One handler answers at two paths, with two methods each; an id names one operation.
    let mut with_slash = paths[WEBHOOK_PATH].clone();
    rename(&mut with_slash, None, None);
    paths.insert(format!("{WEBHOOK_PATH}/"), with_slash);
    if let Some(updates) = paths.get_mut(WEBHOOK_PATH) {
        rename(updates, Some("retryUpdate"), Some("sendUpdate"));
    }
    document
}

fn rename(item: &mut PathItem, get: Option<&str>, post: Option<&str>) {
    for (operation, id) in [(&mut item.get, get), (&mut item.post, post)] {
        if let Some(operation) = operation {
            operation.operation_id = id.map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn all_who_ask_are_sent_one_description() {
        let app = App::for_tests();
        let mut places = Vec::new();
        for _ in 0..2 {
            let (_, mut body) = show(State(Arc::clone(&app))).await;
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            places.push(first.as_ptr());
        }
        assert_eq!(places[0], places[1]);
    }
}
