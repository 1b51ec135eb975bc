//! Which route a path matches, and what may be asked of it.

use axum::http::Method;
use utoipa::openapi::{OpenApi, PathItem};

use crate::http::{WEBHOOK_PATH, WEBHOOK_PATHS};

/// All routes.
// axum tells the matched route only to its own layers. A layer around all routes would make an update on a new
// connection 5 % slower, and one on an open connection 15 %.
#[derive(Debug)]
pub(super) struct Routes(matchit::Router<Route>);

/// One route, at each of its paths.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// Its path, with the names of its parameters.
    pub(super) label: String,
    pub(super) takes_updates: bool,
    methods: Vec<Method>,
}

impl Routes {
    /// Those that `document` describes.
    pub(super) fn new(document: &OpenApi) -> Self {
        let mut routes = matchit::Router::new();
        for (path, item) in &document.paths.paths {
            let takes_updates = path == WEBHOOK_PATH;
            let route = Route {
                label: path.clone(),
                takes_updates,
                methods: methods(item),
            };
            let also = if takes_updates {
                &WEBHOOK_PATHS[1..]
            } else {
                &[]
            };
            for path in also.iter().copied().chain([path.as_str()]) {
                let added = routes.insert(path, route.clone());
                added.expect("axum accepted the same path");
            }
        }
        Self(routes)
    }

    pub(super) fn at(&self, path: &str) -> Option<&Route> {
        self.0.at(path).ok().map(|matched| matched.value)
    }
}

impl Route {
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The value of the Allow header, as axum writes it.
    pub(super) fn allow(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        methods.join(",")
    }
}

/// The methods that are described. axum answers HEAD where there is a GET.
fn methods(item: &PathItem) -> Vec<Method> {
    [
        (Method::GET, &item.get),
        (Method::HEAD, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
    .into_iter()
    .filter(|(_, operation)| operation.is_some())
    .map(|(method, _)| method)
    .collect()
}
