//! Runs and streams are no pictures. The outputs of a run hold URLs that anyone may have sent. If a page loads such a URL
//! as a picture, and it leads to a waiting request here, it holds one of the few connections that a browser opens.

use axum::{
    extract::Request,
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::http::problem::Problem;

/// What a browser says that a response is for.
const SEC_FETCH_DEST: &str = "sec-fetch-dest";

/// Rejects requests of a browser for a picture, a video or a sound.
pub(in crate::http) async fn reject(request: Request, next: Next) -> Response {
    if is_media(request.headers()) {
        return Problem::NotMedia.into_response();
    }
    next.run(request).await
}

fn is_media(headers: &HeaderMap) -> bool {
    let media = ["image", "video", "audio", "track"];
    let destination = headers.get(SEC_FETCH_DEST);
    destination.is_some_and(|destination| media.iter().any(|name| destination == name))
}
