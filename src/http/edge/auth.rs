//! Tokens: which requests may report updates, and which may read.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    http::{app::App, problem::Problem},
    tokens::Tokens,
};

/// Checks that a request presents one of `tokens`, where there are any.
pub(in crate::http) fn check(
    tokens: Option<&Tokens>,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<(), Problem> {
    let Some(tokens) = tokens else {
        return Ok(());
    };
    let in_headers = headers.get_all(header::AUTHORIZATION).into_iter();
    let in_headers = in_headers.filter_map(|value| credential(value.as_bytes()));
    let query = uri.query().unwrap_or_default().as_bytes();
    let in_query = form_urlencoded::parse(query)
        .filter(|(name, _)| name == "token")
        .map(|(_, token)| Cow::Owned(token.into_owned().into_bytes()));
    if in_headers
        .chain(in_query)
        .any(|token| tokens.accept(&token))
    {
        return Ok(());
    }
    Err(Problem::Unauthorized)
}

/// The token in the value of an Authorization header: after Bearer, or as the password of Basic.
fn credential(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let space = value.iter().position(|&byte| byte == b' ')?;
    let (scheme, rest) = value.split_at(space);
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.into());
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut user_and_password = BASE64_STANDARD.decode(rest).ok()?;
    let colon = user_and_password.iter().position(|&byte| byte == b':')?;
    Some(user_and_password.split_off(colon + 1).into())
}

/// Lets a request through if it has a read token, or if none is required.
pub(in crate::http) async fn guard_reads(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    match check(app.read_tokens.as_ref(), request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_what_follows_bearer_or_the_password_of_basic() {
        for (value, token) in [
            ("Bearer t0ken", Some("t0ken")),
            ("bearer  t0ken ", Some("t0ken")),
            ("Basic aG9vazp0MGtlbg==", Some("t0ken")),
            ("BASIC OnQwOmtlbg==", Some("t0:ken")),
            ("Basic dDBrZW4=", None),
            ("Basic t0ken!", None),
            ("Digest t0ken", None),
            ("t0ken", None),
            ("", None),
        ] {
            let found = credential(value.as_bytes());
            assert_eq!(found.as_deref(), token.map(str::as_bytes), "{value}");
        }
    }
}
