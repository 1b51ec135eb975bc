//! Tokens: which requests may report updates, and which may read.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;

use super::hosts;
use crate::{
    http::{
        app::App,
        problem::{Problem, TokenProblem},
    },
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
    let in_headers = in_headers.map(|value| credential(value.as_bytes()));
    let in_query = in_query(uri.query().unwrap_or_default()).map(Some);
    let mut problem = TokenProblem::Missing;
    for presented in in_headers.chain(in_query) {
        match presented {
            Some(token) if tokens.accept(&token) => return Ok(()),
            // What is left of a token whose variable is not set.
            Some(token) if token.is_empty() => {}
            Some(_) => problem = TokenProblem::Wrong,
            None if problem == TokenProblem::Missing => problem = TokenProblem::Unreadable,
            None => {}
        }
    }
    Err(Problem::Unauthorized(problem))
}

/// The tokens in a query. A plus sign is itself in them, as a token has no space for which it could stand.
fn in_query(query: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_token = percent_decode_str(name).eq(b"token".iter().copied());
        is_token.then(|| percent_decode_str(value).into())
    })
}

/// The token in the value of an Authorization header: after Bearer, or as the password of Basic.
fn credential(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let space = value.iter().position(|&byte| byte == b' ');
    let (scheme, rest) = value.split_at(space.unwrap_or(value.len()));
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.into());
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    if rest.is_empty() {
        return Some(rest.into());
    }
    let mut user_and_password = BASE64_STANDARD.decode(rest).ok()?;
    let colon = user_and_password.iter().position(|&byte| byte == b':')?;
    Some(user_and_password.split_off(colon + 1).into())
}

/// Checks that a request may read: it presents a read token, or none is required at its host.
pub(super) fn check_reader(app: &App, request: &Request) -> Result<(), Problem> {
    let (headers, uri) = (request.headers(), request.uri());
    match &app.read_tokens {
        // A page of another name has no token: browsers keep the password of each origin for itself.
        Some(tokens) => check(Some(tokens), headers, uri),
        None => hosts::check(app, headers, uri),
    }
}

/// Lets a request through if it may read.
pub(in crate::http) async fn guard_reads(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    match check_reader(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_a_wrong_and_an_unreadable_token_are_different_problems() {
        let tokens: Tokens = "t0ken".parse().unwrap();
        for (authorization, query, expected) in [
            (None, "", TokenProblem::Missing),
            (None, "?user=42", TokenProblem::Missing),
            (None, "?token=", TokenProblem::Missing),
            (Some("Bearer "), "", TokenProblem::Missing),
            (Some("Basic aG9vazo="), "", TokenProblem::Missing),
            (None, "?token=wrong", TokenProblem::Wrong),
            (Some("Bearer wrong"), "", TokenProblem::Wrong),
            (Some("t0ken"), "?token=wrong", TokenProblem::Wrong),
            (Some("t0ken"), "", TokenProblem::Unreadable),
            (Some("Token t0ken"), "", TokenProblem::Unreadable),
            (Some("Basic t0ken"), "", TokenProblem::Unreadable),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(authorization) = authorization {
                headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
            }
            let uri = format!("/{query}").parse().unwrap();
            match check(Some(&tokens), &headers, &uri) {
                Err(Problem::Unauthorized(found)) => {
                    assert_eq!(found, expected, "{authorization:?} {query}");
                }
                other => panic!("{authorization:?} {query}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_token_in_a_query_may_be_percent_encoded_and_its_plus_signs_need_not_be() {
        for (query, tokens) in [
            ("token=ab+cd", &["ab+cd"][..]),
            ("user=42&token=ab%2Bcd&token=e%26f", &["ab+cd", "e&f"]),
            ("%74oken=a=b%", &["a=b%"]),
            ("token", &[""]),
            ("tokens=a&to+ken=b&Token=c&user=token", &[]),
        ] {
            let found: Vec<_> = in_query(query).collect();
            let tokens: Vec<_> = tokens.iter().map(|token| token.as_bytes()).collect();
            assert_eq!(found, tokens, "{query}");
        }
    }

    #[test]
    fn a_credential_is_what_follows_bearer_or_the_password_of_basic() {
        for (value, token) in [
            ("Bearer t0ken", Some("t0ken")),
            ("bearer  t0ken ", Some("t0ken")),
            ("Basic aG9vazp0MGtlbg==", Some("t0ken")),
            ("BASIC OnQwOmtlbg==", Some("t0:ken")),
            ("Bearer", Some("")),
            ("Basic ", Some("")),
            ("Basic aG9vazo=", Some("")),
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
