//! Which web apps on other origins may read runs.

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::http::params::LAST_EVENT_ID;

/// How long a browser may cache the response to its preflight request.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Lets web apps on these origins read, or on any origin if one is `*`; `None` if there are none.
pub(in crate::http) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::from(Any)
    } else {
        let values = origins
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin).ok());
        AllowOrigin::list(values)
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            LAST_EVENT_ID,
        ])
        .expose_headers([header::RETRY_AFTER])
        .max_age(MAX_AGE);
    Some(layer)
}
