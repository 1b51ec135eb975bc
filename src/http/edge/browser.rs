//! Problems as pages, for people who open in a browser what is meant for programs.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
    response::Response,
};

use crate::http::{
    media,
    problem::{Problem, TokenProblem},
};

/// The page needs nothing, and may do nothing.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Slashes in a path, at most, for which a relative link is made.
const MAX_DEPTH: usize = 16;

/// The link to the page with the runs, if a browser sent this request. It is relative, so that it works behind a proxy
/// that serves the service under a path of its own.
pub(super) fn link_to_runs<B>(request: &Request<B>) -> Option<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD)
        || !media::is_accepted(request.headers(), "text/html")
    {
        return None;
    }
    Some(match request.uri().path().matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth @ 2..=MAX_DEPTH => "../".repeat(depth - 1),
        _ => "/".to_owned(),
    })
}

/// Shows a problem as a page with this link, if it is one that a person meets. Its status and its other headers stay.
pub(super) fn show(response: &mut Response, problem: &Problem, link: &str) {
    let Some((title, text)) = words(problem) else {
        return;
    };
    let link = match problem {
        // The runs are not shown there either.
        Problem::PublicHost(_) => String::new(),
        _ => format!("<p><a href=\"{link}\">See the runs</a></p>\n"),
    };
    let page = format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n\
         <h1>{title}</h1>\n\
         <p>{text}</p>\n\
         {link}\
         </html>\n"
    );
    *response.body_mut() = Body::from(page);
    let headers = response.headers_mut();
    // That of the body before.
    headers.remove(header::CONTENT_LENGTH);
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What the page says: nothing that a client sent.
const fn words(problem: &Problem) -> Option<(&'static str, &'static str)> {
    match problem {
        Problem::Method { .. } => Some((
            "This address takes updates from ComfyDeploy",
            "Pass it as <code>webhook</code> when you queue a run. Updates arrive with POST; a browser sends GET. \
             People see the runs at <code>/</code>, programs at <code>/api/runs</code>, and \
             <code>/openapi.json</code> describes every path.",
        )),
        Problem::NoSuchPath => Some((
            "There is nothing at this address",
            "People see the runs at <code>/</code>, programs at <code>/api/runs</code>, and \
             <code>/openapi.json</code> describes every path.",
        )),
        Problem::PublicHost(_) => Some((
            "Runs are not shown at this address",
            "It has a public name, and this service has no read token. Set <code>READ_TOKEN</code>, and your browser \
             asks for it here. Or, if everyone who can open this page may read every run, start the service with \
             <code>--allow-host</code> and the name.",
        )),
        Problem::Unauthorized(TokenProblem::Wrong) => Some((
            "The token is wrong",
            "This address needs the read token, which is not the one for updates. Reload it and enter the token as \
             the password, with any user name; or add <code>?token=TOKEN</code> to the address.",
        )),
        Problem::Unauthorized(_) => Some((
            "This address needs the read token",
            "Reload it and enter the token as the password, with any user name; or add <code>?token=TOKEN</code> \
             to the address.",
        )),
        _ => None,
    }
}
