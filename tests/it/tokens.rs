//! Tokens: how they are presented, what they allow, and where they are set.

use std::{io::Read, process::Stdio};

use reqwest::{Client, Method, RequestBuilder};

use crate::harness::{
    Process, Server, WEBHOOK, assert_nothing_stored, detail, file_with, problem, run_id, text,
    update,
};

/// A way to present a token.
pub(crate) type Present = fn(RequestBuilder, &str) -> RequestBuilder;

pub(crate) const PRESENTATIONS: [Present; 4] = [
    |request, token| request.bearer_auth(token),
    |request, token| request.basic_auth("hook", Some(token)),
    |request, token| request.basic_auth("", Some(token)),
    |request, token| request.query(&[("target_events", "run.updated"), ("token", token)]),
];

fn report(server: &Server) -> RequestBuilder {
    server.webhook(Method::POST, update(1, "queued"))
}

fn list(server: &Server) -> RequestBuilder {
    server.request(Method::GET, "/api/runs")
}

#[tokio::test]
async fn a_token_is_accepted_as_bearer_as_basic_and_in_the_query() {
    let server = Server::with_tokens("wr+te:r=", "re&d%er?", &[]).await;
    for present in PRESENTATIONS {
        for (request, token) in [(report(&server), "wr+te:r="), (list(&server), "re&d%er?")] {
            let response = present(request, token).send().await.unwrap();
            assert_eq!(response.status(), 200, "{token}");
        }
    }
}

#[tokio::test]
async fn a_plus_sign_of_a_token_in_a_query_stands_for_itself() {
    let server = Server::with_tokens("ab+cd", "ef+gh", &[]).await;
    for (path, token) in [(WEBHOOK, "ab+cd"), ("/api/runs", "ef+gh")] {
        for written in [token.to_owned(), token.replace('+', "%2B")] {
            let path = format!("{path}?user=42&token={written}");
            let request = if path.starts_with(WEBHOOK) {
                let request = server.request(Method::POST, &path).body("{}");
                request.header("content-type", "application/json")
            } else {
                server.request(Method::GET, &path)
            };
            assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn without_the_right_token_an_update_is_rejected_and_a_browser_asks_for_one() {
    let server = Server::with_tokens("writer", "", &[]).await;
    let mut attempts = vec![report(&server)];
    for present in PRESENTATIONS {
        for wrong in ["", "write", "writer2", "WRITER", "reader"] {
            attempts.push(present(report(&server), wrong));
        }
    }
    for attempt in attempts {
        let response = attempt.send().await.unwrap();
        let challenges: Vec<_> = response
            .headers()
            .get_all("www-authenticate")
            .iter()
            .collect();
        assert_eq!(challenges.len(), 2, "{challenges:?}");
        assert!(challenges[0].to_str().unwrap().starts_with("Basic realm="));
        problem(response, 401).await;
    }
    assert_nothing_stored(&server).await;
}

#[tokio::test]
async fn a_missing_token_an_unreadable_one_and_a_wrong_one_are_told_apart() {
    let server = Server::with_tokens("writer", "reader", &[]).await;
    for (authorization, said) in [
        (None, "there is no token: send it as Authorization: Bearer"),
        (Some("Bearer "), "there is no token: send it as"),
        (
            Some("writer"),
            "the Authorization header is neither Bearer nor Basic with a token: send it as",
        ),
        (
            Some("Bearer wrong"),
            "the token is wrong (WEBHOOK_TOKEN is for updates, READ_TOKEN for everything else): send it as",
        ),
    ] {
        for mut request in [report(&server), list(&server)] {
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let problem = problem(request.send().await.unwrap(), 401).await;
            assert!(detail(&problem).starts_with(said), "{problem}");
        }
    }
}

#[tokio::test]
async fn either_of_two_tokens_is_accepted_so_that_they_can_be_rotated() {
    let server = Server::with_tokens("old,new", "", &[]).await;
    for token in ["old", "new"] {
        let response = report(&server).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200, "{token}");
    }
    let both = report(&server).bearer_auth("old,new").send().await.unwrap();
    problem(both, 401).await;
}

#[tokio::test]
async fn the_read_token_cannot_write_and_the_webhook_token_cannot_read() {
    let server = Server::with_tokens("writer", "reader", &[]).await;
    let response = report(&server).bearer_auth("reader").send().await.unwrap();
    problem(response, 401).await;
    let response = list(&server).bearer_auth("writer").send().await.unwrap();
    problem(response, 401).await;
}

#[tokio::test]
async fn with_a_read_token_only_the_probes_need_none() {
    let server = Server::with_tokens("", "reader", &[]).await;
    server.accept(update(1, "queued")).await;
    let run = format!("/api/runs/{}", run_id(1));
    for path in [
        "/",
        "/api/runs",
        "/api/runs?limit=1",
        &run,
        "/api/runs/x",
        "/metrics",
        "/openapi.json",
        "/nowhere",
    ] {
        problem(server.get(path).await, 401).await;
        let head = server.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), 401, "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn tokens_come_from_a_file_or_a_variable() {
    let file = file_with("good-token", "from-a-file\n");
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command
        .env("WEBHOOK_TOKEN_FILE", &file)
        .env("READ_TOKEN", "from-a-variable");
    let process = Process::start(command);
    let report = || {
        let request = Client::new().post(process.url(WEBHOOK)).body("{}");
        request.header("content-type", "application/json")
    };
    let list = || Client::new().get(process.url("/api/runs"));
    for (request, token) in [(report(), "from-a-file"), (list(), "from-a-variable")] {
        let response = request.bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200, "{token}");
    }
    for request in [report(), list()] {
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
}

#[test]
fn bad_tokens_print_one_line_and_exit_with_2() {
    let empty = file_with("empty-token", "\n");
    let good = file_with("one-token", "s3cret-in-a-file");
    for (variables, line) in [
        (
            &[("WEBHOOK_TOKEN", "")][..],
            "WEBHOOK_TOKEN: there is no token in it",
        ),
        (
            &[("READ_TOKEN", " , ")],
            "READ_TOKEN: there is no token in it",
        ),
        (
            &[("READ_TOKEN", "s3cret with-a-space")],
            "READ_TOKEN: expected tokens of visible ASCII characters, without spaces, separated by commas",
        ),
        (
            &[("WEBHOOK_TOKEN", "s3cret"), ("WEBHOOK_TOKEN_FILE", &good)],
            "both WEBHOOK_TOKEN and WEBHOOK_TOKEN_FILE are set, expected one",
        ),
        (
            &[("READ_TOKEN_FILE", &empty)],
            "READ_TOKEN_FILE: there is no token in it",
        ),
        (
            &[("READ_TOKEN_FILE", "s3cret-put-here")],
            "READ_TOKEN_FILE: cannot read it: No such file or directory (os error 2)",
        ),
    ] {
        let mut command = Process::command(&[]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = text(&output.stderr);
        assert!(
            error.starts_with("error: ") && error.ends_with(&format!("{line}\n")),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn missing_tokens_are_warned_of_once_unless_the_address_is_loopback() {
    let tokens = [("WEBHOOK_TOKEN", "s3cret-w"), ("READ_TOKEN", "s3cret-r")];
    for (listen, tokens, warning) in [
        (
            "0.0.0.0:0",
            &[][..],
            Some("can report updates (set WEBHOOK_TOKEN) and read every run (set READ_TOKEN)"),
        ),
        (
            "0.0.0.0:0",
            &tokens[1..],
            Some("can report updates (set WEBHOOK_TOKEN)"),
        ),
        (
            "0.0.0.0:0",
            &tokens[..1],
            Some("can read every run (set READ_TOKEN)"),
        ),
        ("0.0.0.0:0", &tokens, None),
        ("127.0.0.1:0", &[], None),
    ] {
        let mut command = Process::command(&["--listen", listen]);
        command.envs(tokens.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = child.stdout.take().unwrap();
        let mut start = Vec::new();
        while !String::from_utf8_lossy(&start).contains("ready: ") {
            let mut more = [0; 1024];
            let read = log.read(&mut more).unwrap();
            assert!(read > 0, "it ended");
            start.extend_from_slice(&more[..read]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let start = String::from_utf8(start).unwrap();
        assert_eq!(
            start.matches("WARN").count(),
            usize::from(warning.is_some()),
            "{start}"
        );
        let line = warning.map_or("ready: ".to_owned(), |warning| format!("{warning}\n"));
        assert!(start.contains(&line), "{start}");
    }
}
