//! The description of the API for tools: OpenAPI 3.1, made of the types that parse requests and form responses.

pub(super) mod output;
pub(super) mod responses;

use std::sync::{Arc, OnceLock};

use axum::{Extension, http::HeaderMap, response::Response};
use utoipa::{
    OpenApi,
    openapi::{
        self, PathItem, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use self::{output::MediaItem, responses::GuardedProblems};
use super::{
    WEBHOOK_PATH,
    app::App,
    document::Document,
    json::to_json_line,
    params::{Limit, SnapshotLimit, Wait},
    problem::{Problem, ProblemBody},
};
use crate::run::RunIdPrefix;

/// What the description holds beside the routes.
#[derive(OpenApi)]
// Relative to the address of the description, whatever path a proxy adds in front of it.
#[openapi(
    servers((url = ".")),
    components(schemas(Limit, MediaItem, ProblemBody, RunIdPrefix, SnapshotLimit, Wait)),
)]
struct Base;

/// The three ways to present a token.
const SECURITY_SCHEMES: [&str; 3] = ["bearer", "basic", "query"];

/// The description as JSON. It describes every route, its own included, so it is completed after they are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Description(Arc<OnceLock<Document>>);

impl Description {
    /// Completes the `document` that the routes make, for a service that asks for the tokens of `app`.
    pub(super) fn complete(&self, mut document: openapi::OpenApi, app: &App) {
        add_security(
            &mut document,
            app.webhook_tokens.is_some(),
            app.read_tokens.is_some(),
        );
        name_updates(&mut document);
        self.0
            .get_or_init(|| Document::new("application/json", to_json_line(&document)));
    }
}

/// This description.
#[utoipa::path(
    get,
    operation_id = "getOpenApi",
    path = "/openapi.json",
    responses(
        (status = 200, description = "The description", body = Object),
        (status = 304, description = "The client has it already: it sent its ETag as If-None-Match"),
        GuardedProblems
    ),
)]
pub(super) async fn show(
    Extension(Description(document)): Extension<Description>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // It is there before the first request.
    let document = document.get().ok_or(Problem::Internal)?;
    Ok(document.respond(&headers))
}

/// The description without its routes.
pub(super) fn base() -> openapi::OpenApi {
    Base::openapi()
}

/// Says which operations need a token, and which need none. Those that may answer 401 need one where it is set.
fn add_security(document: &mut openapi::OpenApi, webhook_token: bool, read_token: bool) {
    let schemes: Vec<_> = SECURITY_SCHEMES
        .iter()
        .map(|scheme| SecurityRequirement::new::<_, _, &str>(*scheme, []))
        .collect();
    if webhook_token || read_token {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
        components.add_security_scheme("basic", SecurityScheme::Http(basic));
        let query = ApiKey::Query(ApiKeyValue::new("token"));
        components.add_security_scheme("query", SecurityScheme::ApiKey(query));
    }

    for (path, item) in &mut document.paths.paths {
        let is_set = if path == WEBHOOK_PATH {
            webhook_token
        } else {
            read_token
        };
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let needs_token = is_set && operation.responses.responses.contains_key("401");
            let security = if needs_token {
                schemes.clone()
            } else {
                Vec::new()
            };
            operation.security = Some(security);
        }
    }
}

/// One handler accepts updates with two methods; an id names one operation.
fn name_updates(document: &mut openapi::OpenApi) {
    let webhook = document.paths.paths.get_mut(WEBHOOK_PATH);
    let Some(PathItem { get, post, .. }) = webhook else {
        return;
    };
    if let Some(post) = post {
        post.operation_id = Some("sendUpdate".to_owned());
    }
    if let Some(get) = get {
        get.operation_id = Some("retryUpdate".to_owned());
        get.summary = Some(
            "Accepts ComfyDeploy's own retry of an update; other clients use POST.".to_owned(),
        );
    }
}
