//! Nobody learns the tokens.

use std::{
    fmt::Write as _,
    io::Read,
    process::{Command, Stdio},
};

use reqwest::{Client, Method};

use crate::{
    harness::{Process, WEBHOOK},
    tokens::WAYS,
};

/// The beginning of every token, as it is and as Basic encodes it after each user.
const FORMS: [&str; 3] = ["s3cret", "aG9vazpz", "OnMzY3Jl"];

fn with_tokens(command: &mut Command) -> &mut Command {
    command
        .env("WEBHOOK_TOKEN", "s3cret-w,s3cret-w2,s3cret+w/3=")
        .env("READ_TOKEN", "s3cret-r")
}

#[tokio::test]
async fn a_token_is_never_written_anywhere() {
    let mut command = Process::command(&["--listen", "127.0.0.1:0", "--log", "trace"]);
    with_tokens(&mut command).stderr(Stdio::piped());
    let mut process = Process::start(command);
    let mut log = process.log.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let client = Client::new();
    let mut written = process.first_lines.clone();
    let paths = [
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
    for method in [Method::GET, Method::POST, Method::PUT] {
        for path in paths {
            for token in ["s3cret-w", "s3cret-r", "s3cret-wrong"] {
                for present in WAYS {
                    for body in ["", "{}", "not json", r#"{"status":"odd"}"#] {
                        let request = client.request(method.clone(), process.url(path));
                        let request = request.header("content-type", "application/json");
                        let response = present(request.body(body), token).send().await.unwrap();
                        write!(written, "{:?}", response.headers()).unwrap();
                        written += &response.text().await.unwrap();
                    }
                }
            }
        }
    }
    process.signal("TERM");
    let log = log.join().unwrap();
    for told in ["DEBUG", "refused an update", "/nowhere"] {
        assert!(log.contains(told), "{told}");
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
        assert!(!written.contains(form), "{form} is in what it wrote");
    }
}
