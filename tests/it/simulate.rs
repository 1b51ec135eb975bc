//! The simulator, against the service and against receivers that reject updates.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, request::Parts},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::{Folder, OwnChild, Process, WEBHOOK, error_line, output};

/// Simulates runs as fast as possible.
fn simulate(url: &str, arguments: &[&str]) -> Command {
    let fast = ["simulate", "--url", url, "--speed", "1000"];
    Process::command(&[&fast, arguments].concat())
}

/// Checks the exit code and returns what was printed to stdout.
async fn stdout(command: Command) -> String {
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn serve_with_token(token: &str) -> Process {
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command.env("WEBHOOK_TOKEN", token);
    Process::start(command)
}

async fn get(url: String) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn runs_end_as_intended_though_updates_are_late_repeated_and_retried() {
    let server = Process::serve(&[]);
    let summary = stdout(simulate(&server.url(""), &["--runs", "12"])).await;
    let [runs, updates, page] = summary.lines().collect::<Vec<_>>()[..] else {
        panic!("{summary}");
    };
    let expected = "runs:    10 succeeded, 1 failed, 1 cancelled, in ";
    assert!(runs.starts_with(expected), "{runs}");
    assert_eq!(page, format!("page:    {}", server.url("/")));

    let metrics = get(server.url("/metrics")).await;
    let retries = metrics
        .lines()
        .find_map(|line| line.strip_prefix("comfydeploy_webhook_update_retries_total "))
        .unwrap();
    assert_ne!(retries, "0");
    assert!(updates.contains(" 0 lost; "), "{updates}");
    assert!(
        updates.ends_with(&format!(" {retries} retries")),
        "{updates}"
    );

    let runs: Value = serde_json::from_str(&get(server.url("/api/runs")).await).unwrap();
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 12);
    let with_status = |status: &str| -> Vec<&Value> {
        runs.iter().filter(|run| run["status"] == status).collect()
    };
    // The outputs, in the order they were made: the prompt, then the pictures or the error.
    let assert_outputs = |run: &Value, second: &str| {
        assert_eq!(run["outputs"].as_array().unwrap().len(), 2, "{run}");
        for place in ["/outputs/0/data/text/0", second] {
            assert!(run.pointer(place).is_some(), "{place}: {run}");
        }
    };
    assert_eq!(with_status("completed").len(), 10);
    for run in with_status("completed") {
        assert_eq!(run["progress"], 98, "{run}");
        assert_outputs(run, "/outputs/1/data/images/0/url");
    }
    assert_eq!(with_status("failed").len(), 1);
    for run in with_status("failed") {
        assert_outputs(run, "/outputs/1/data/exception_message");
    }
    assert_eq!(with_status("cancelled").len(), 1);
}

#[tokio::test]
async fn without_a_url_the_service_at_listen_receives_the_updates() {
    let server = Process::serve(&[]);
    let port = server.address.port().to_string();
    for (variable, value) in [("LISTEN", &format!("0.0.0.0:{port}")), ("PORT", &port)] {
        let mut command = Process::command(&["simulate", "--runs", "1", "--speed", "1000"]);
        command.env(variable, value);
        let summary = stdout(command).await;
        assert!(
            summary.contains("1 succeeded, 0 failed, 0 cancelled, in"),
            "{summary}"
        );
    }
}

#[tokio::test]
async fn a_token_is_sent_however_it_is_given_and_never_shown() {
    let server = serve_with_token("s3cret:@%/");
    let (url, address) = (server.url(""), server.address);
    let folder = Folder::new();
    let file = folder.path("token");
    fs::write(&file, "s3cret:@%/\n").unwrap();
    let in_url = format!("http://hook:s3cret%3A%40%25%2f@{address}");
    let in_query = format!("{url}{WEBHOOK}?token=s3cret%3A%40%25%2F");
    for (url, flags, variable) in [
        (&url, &["--token", "s3cret:@%/"][..], None),
        (&url, &["--token-file", file.to_str().unwrap()], None),
        (&url, &[], Some("s3cret:@%/,another")),
        (&in_url, &[], Some("another")),
        (&format!("{in_url}{WEBHOOK}"), &[], None),
        (&in_query, &[], None),
    ] {
        let mut command = simulate(url, &[&["--runs", "1"], flags].concat());
        command.envs(variable.map(|tokens| ("WEBHOOK_TOKEN", tokens)));
        let shown = format!("{command:?}");
        let output = output(command).await;
        assert_eq!(output.status.code(), Some(0), "{shown}: {output:?}");
        assert!(
            !format!("{output:?}").contains("s3cret"),
            "{shown}: {output:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_one_line_that_says_how_to_give_it() {
    let server = serve_with_token("writer");
    let line = error_line(simulate(&server.url(""), &[]), 1).await;
    let expected = "requires a token: give it with WEBHOOK_TOKEN, --token-file or --token\n";
    assert!(line.ends_with(expected), "{line}");
    let url = format!("http://hook:s3cret@{}", server.address);
    for arguments in [&["--token", "s3cret"][..], &[]] {
        let line = error_line(simulate(&url, arguments), 1).await;
        assert!(line.contains(" requires another token: "), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_run_is_one_line_that_says_how_to_start_it() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let line = error_line(simulate(&format!("http://{address}"), &[]), 1).await;
    let expected = format!(
        "error: cannot reach http://{address}: Connection refused; start it with: \
         comfydeploy-webhook --listen {address}\n"
    );
    assert_eq!(line, expected);
}

#[tokio::test]
async fn a_bad_value_is_one_line_and_exit_code_2_and_shows_no_token() {
    for (arguments, expected) in [
        (["--url", "https://hook:s3cret@host"], "begins with http://"),
        (
            ["--url", "hook:s3cret@host"],
            "such as http://127.0.0.1:8080",
        ),
        (["--token", "s3cret s3cret"], "visible ASCII"),
        (["--token-file", "/nowhere/s3cret"], "cannot read it"),
        (["--runs", "0"], "from 1 to 1000"),
        (["--runs", "1001"], "from 1 to 1000"),
        (["--speed", "0"], "from 0.1 to 1000"),
        (["--speed", "NaN"], "from 0.1 to 1000"),
    ] {
        let command = Process::command(&[&["simulate"][..], &arguments].concat());
        let line = error_line(command, 2).await;
        assert!(
            line.contains(arguments[0]) && line.contains(expected),
            "{line}"
        );
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[tokio::test]
async fn an_interrupt_ends_it_with_the_summary_so_far() {
    let server = Process::serve(&[]);
    let url = server.url("");
    let slow = [
        "simulate", "--url", &url, "--runs", "1000", "--speed", "0.1",
    ];
    let mut command = Process::command(&slow);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut simulation = Process {
        child: OwnChild::spawn(command),
        address: server.address,
        first_lines: String::new(),
        log: None,
    };
    let mut stderr = BufReader::new(simulation.child.stderr.take().unwrap());
    stderr.read_line(&mut simulation.first_lines).unwrap();
    assert!(
        simulation.first_lines.contains(&server.url("/")),
        "{}",
        simulation.first_lines
    );
    simulation.signal("INT");
    assert_eq!(simulation.child.wait().unwrap().code(), Some(0));
    let mut summary = String::new();
    let mut stdout = simulation.child.stdout.take().unwrap();
    stdout.read_to_string(&mut summary).unwrap();
    assert!(summary.contains("1000 unfinished"), "{summary}");
}

type Requests = Arc<Mutex<Vec<(Parts, String)>>>;

/// A receiver that rejects each update with this text in it. It returns the requests it received.
async fn rejecting(text: &'static str) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Requests::default();
    let requests = Arc::clone(&received);
    let receive = async move |request: Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        let is_rejected = body.contains(text);
        requests.lock().unwrap().push((head, body));
        if is_rejected {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        }
    };
    let router = Router::new().fallback(receive);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

#[tokio::test]
async fn an_update_is_tried_three_times_the_last_two_as_get_and_then_counts_as_lost() {
    const LOST: &str = r#""status":"success""#;
    let (url, received) = rejecting(LOST).await;
    let output = output(simulate(&url, &["--runs", "1"])).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(summary.contains("0 cancelled, 1 unfinished"), "{summary}");
    let error = String::from_utf8(output.stderr).unwrap();
    let error = error.lines().last().unwrap();
    assert!(error.starts_with("error: 1 of "), "{error}");
    let reason = " the last one: the response was 503 Service Unavailable";
    assert!(error.ends_with(reason), "{error}");

    let received = received.lock().unwrap();
    for (head, _) in received.iter() {
        assert_eq!(head.uri, WEBHOOK);
        assert_eq!(head.headers["accept"], "*/*");
        assert_eq!(head.headers["content-type"], "application/json");
        assert!(head.headers.contains_key("content-length"));
        assert!(!head.headers.contains_key("authorization"));
    }
    let tries: Vec<_> = received
        .iter()
        .filter(|(_, body)| body.contains(LOST))
        .collect();
    let methods: Vec<_> = tries.iter().map(|(head, _)| head.method.as_str()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);
    assert!(tries.iter().all(|(_, body)| *body == tries[0].1));
}

#[tokio::test]
async fn a_receiver_that_accepts_no_update_ends_it_at_once() {
    let (url, _) = rejecting("").await;
    let line = error_line(simulate(&url, &["--runs", "1000"]), 1).await;
    let expected = "rejected the first update: the response was 503 Service Unavailable\n";
    assert!(line.ends_with(expected), "{line}");
}
