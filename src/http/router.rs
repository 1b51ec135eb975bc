//! Every route: this file is the whole API. Each handler states its method and path in its `utoipa::path`, which is
//! also its description.

use std::sync::Arc;

use axum::{
    Extension,
    middleware::{from_fn, from_fn_with_state},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt as _},
    routes,
};

use super::{
    WEBHOOK_PATHS,
    app::App,
    edge::{
        Edge, auth, cors, embedded,
        not_found::{no_such_method, no_such_path},
        restoring,
    },
    openapi::{self, Description},
    ops, page,
    read::{events, runs, service},
    webhook,
};

/// Every route there is. Pages of `origins` may read runs and streams.
pub fn routes(app: &Arc<App>, origins: &[String]) -> Edge {
    let description = Description::default();
    let for_readers = from_fn_with_state(Arc::clone(app), auth::guard_reads);

    // It also handles other methods: whether GET is allowed depends on the headers and the body.
    let (schemas, paths, receive) =
        routes!(webhook::receive).map(|route| route.fallback(webhook::receive));
    let webhook = WEBHOOK_PATHS[1..]
        .iter()
        .fold(OpenApiRouter::new(), |router, path| {
            router.route(path, receive.clone())
        })
        .routes((schemas, paths, receive));

    let mut runs = group([
        routes!(runs::list),
        routes!(runs::show),
        routes!(events::one),
        routes!(events::all),
        routes!(service::show),
    ])
    .layer(from_fn_with_state(Arc::clone(app), restoring::wait))
    .layer(from_fn(embedded::reject))
    .layer(for_readers.clone());
    // CORS wraps the token check, since the preflight request of a browser carries no token.
    if let Some(layer) = cors::layer(origins) {
        runs = runs.layer(layer);
    }

    let tools = group([
        routes!(page::show),
        routes!(ops::metrics),
        routes!(openapi::show).layer(Extension(description.clone())),
    ])
    .layer(for_readers);

    let probes = group([routes!(ops::healthz), routes!(ops::readyz)]);

    let (router, document) = OpenApiRouter::with_openapi(openapi::base())
        .merge(webhook)
        .merge(runs)
        .merge(tools)
        .merge(probes)
        .split_for_parts();
    let router = router.fallback(no_such_path).with_state(Arc::clone(app));
    let edge = Edge::new(Arc::clone(app), router, &document);
    description.complete(document, app);
    edge
}

/// Routes that reject all methods but their own.
fn group<const N: usize>(routes: [UtoipaMethodRouter<Arc<App>>; N]) -> OpenApiRouter<Arc<App>> {
    routes
        .map(|route| route.map(|methods| methods.fallback(no_such_method)))
        .into_iter()
        .fold(OpenApiRouter::new(), OpenApiRouter::routes)
}
