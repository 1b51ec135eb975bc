//! Whether the program ever writes a token.

use std::{
    io::Read,
    process::{Command, Stdio},
};

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, Method, RequestBuilder};

use crate::{
    harness::{Process, WEBHOOK, error_line, file_with, text},
    tokens::PRESENTATIONS,
};

/// Paths that a token may be in, and one of each kind of route.
const PATHS: [&str; 14] = [
    WEBHOOK,
    "/api/runs",
    "/api/runs/s",
    "/metrics",
    "/healthz",
    "/nowhere",
    "/api/webhooks/run-update&token=s3cret-w",
    "/api/webhooks/run-update/s3cret-w",
    "/s3cret-r/elsewhere",
    "/api/webhooks/run-update/s3cret%2Bw%2F3%3D",
    "/elsewhere/s3cret%2Bw%2F3%3D",
    "/elsewhere/s3cret%252Bw%252F3%253D",
    "/elsewhere/%733cret-w",
    "/",
];

/// The beginning of every token, as it is and as Basic encodes it after each user name.
const FORMS: [&str; 3] = ["s3cret", "aG9vazpz", "OnMzY3Jl"];

fn with_tokens(command: &mut Command) -> &mut Command {
    command
        .env("WEBHOOK_TOKEN", "s3cret-w,s3cret-w2,s3cret+w/3=")
        .env("READ_TOKEN", "s3cret-r")
}

/// Requests with every token, presented in every way, to every path.
fn requests(process: &Process) -> Vec<RequestBuilder> {
    let client = Client::new();
    let mut requests = Vec::new();
    for path in PATHS {
        let bodies = match path {
            WEBHOOK => &["", "{}", "not json", r#"{"status":"odd"}"#][..],
            _ => &["", "{}"],
        };
        for method in [Method::GET, Method::POST, Method::PUT] {
            for token in ["s3cret-w", "s3cret-r", "s3cret-wrong"] {
                for present in PRESENTATIONS {
                    for &body in bodies {
                        let request = client.request(method.clone(), process.url(path));
                        let request = request.header("content-type", "application/json");
                        requests.push(present(request.body(body), token));
                    }
                }
            }
        }
    }
    requests
}

async fn response(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let headers = format!("{:?}", response.headers());
    headers + &response.text().await.unwrap()
}

#[tokio::test]
async fn a_token_is_in_no_response_log_line_or_output() {
    let mut command = Process::command(&["--listen", "127.0.0.1:0", "--log", "trace"]);
    with_tokens(&mut command).stderr(Stdio::piped());
    let mut process = Process::start(command);
    let mut log = process.log.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let responses = stream::iter(requests(&process)).map(response);
    let responses: Vec<String> = responses.buffer_unordered(16).collect().await;
    let mut written = process.first_lines.clone() + &responses.concat();
    process.signal("TERM");
    let log = log.join().unwrap();
    for text in ["DEBUG", "update rejected", "/nowhere"] {
        assert!(log.contains(text), "{text}");
    }
    written += &log;
    process
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut written)
        .unwrap();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["--max-runs", "s"],
        &["healthcheck"],
    ] {
        let output = with_tokens(&mut Process::command(arguments))
            .output()
            .unwrap();
        written += str::from_utf8(&output.stdout).unwrap();
        written += str::from_utf8(&output.stderr).unwrap();
    }
    for form in FORMS {
        assert!(!written.contains(form), "{form} was written");
    }
}

/// URLs of a database that are rejected, each for a reason of its own. Some contain a password.
const DATABASE_URLS: [&str; 8] = [
    "s3cret.db",
    "postgres://user:s3cret@host/db",
    "file:./s3cret.db",
    "sqlite:s3cret/",
    "sqlite:///:memory:?key=s3cret",
    "sqlite:runs.db#s3cret",
    "sqlite:s3cret%00.db",
    "sqlite:runs.db\ns3cret",
];

#[tokio::test]
async fn an_error_about_the_url_of_the_database_does_not_show_it() {
    for (index, url) in DATABASE_URLS.into_iter().enumerate() {
        let file = file_with(&format!("database-url-{index}"), url);
        let flag = format!("--database-url={url}");
        for (arguments, variable) in [
            (&["--database-url", url][..], None),
            (&[&flag], None),
            (&["simulate", "--database-url", url], None),
            (&["--database-url", url, "--database-url", url], None),
            (&["--database-url", url, "--max-runs", "0"], None),
            (&["--database-url", url, "--unknown"], None),
            (&[], Some(("DATABASE_URL", url))),
            (&["healthcheck"], Some(("DATABASE_URL", url))),
            (&["--max-runs", "0"], Some(("DATABASE_URL", url))),
            (&["--database-url-file", &file], None),
            (&[], Some(("DATABASE_URL_FILE", &file))),
            // Put there by mistake.
            (&["--database-url-file", url], None),
            (&[], Some(("DATABASE_URL_FILE", url))),
        ] {
            let mut command = Process::command(arguments);
            command.envs(variable);
            let line = error_line(command, 2).await;
            assert!(
                !line.contains("s3cret"),
                "{arguments:?} {variable:?}: {line}"
            );
        }
        let mut help = Process::command(&["--help"]);
        let help = help.env("DATABASE_URL", url).output().unwrap();
        assert!(!text(&help.stdout).contains("s3cret"));
    }
}
