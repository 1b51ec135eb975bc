//! Runs played by the program itself.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::harness::{Process, WEBHOOK, with_timeout};

/// Plays runs as fast as can be.
fn simulate(url: &str, arguments: &[&str]) -> Command {
    let fast = ["simulate", "--url", url, "--speed", "1000"];
    Process::command(&[&fast, arguments].concat())
}

async fn output(command: Command) -> Output {
    let mut command = tokio::process::Command::from(command);
    with_timeout(command.output()).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

async fn get(url: String) -> String {
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

fn assert_success(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// Checks that a play ended with exit code 1 and one line, and nothing else; gives the line.
fn only_line(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[tokio::test]
async fn every_run_ends_as_intended_and_the_sender_is_as_bad_as_the_real_one() {
    let process = Process::serve(&[]);
    let output = output(simulate(&process.url(""), &["--runs", "12"])).await;
    assert_success(&output);
    let summary = text(&output.stdout);
    assert!(
        summary.contains("10 succeeded, 1 failed, 1 cancelled, in"),
        "{summary}"
    );
    assert!(summary.contains(" 0 lost;"), "{summary}");
    let page = format!("\npage:    {}\n", process.url("/"));
    assert!(summary.ends_with(&page), "{summary}");

    let runs: Value = serde_json::from_str(&get(process.url("/api/runs")).await).unwrap();
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 12);
    let of_status = |status: &str| -> Vec<&Value> {
        runs.iter().filter(|run| run["status"] == status).collect()
    };
    assert_eq!(of_status("failed").len(), 1);
    assert_eq!(of_status("cancelled").len(), 1);
    for run in of_status("completed") {
        assert_eq!(run["progress"], 98, "{run}");
        let outputs = run["outputs"].as_array().unwrap();
        let has = |kind: &str| {
            outputs
                .iter()
                .any(|output| output["data"][kind][0].is_object())
        };
        assert!(has("images"), "{run}");
        assert_eq!(outputs.len(), 2, "{run}");
    }
    assert_eq!(of_status("completed").len(), 10);

    let metrics = get(process.url("/metrics")).await;
    let retries = metrics
        .lines()
        .find_map(|line| line.strip_prefix("comfydeploy_webhook_update_retries_total "))
        .unwrap();
    assert_ne!(retries, "0");
    assert!(
        summary.contains(&format!(", {retries} retries")),
        "{summary}"
    );
}

#[tokio::test]
async fn without_a_url_the_service_at_listen_is_played_to() {
    let process = Process::serve(&[]);
    let everywhere = format!("0.0.0.0:{}", process.address.port());
    let mut command = Process::command(&["simulate", "--runs", "1", "--speed", "1000"]);
    command.env("LISTEN", everywhere);
    let output = output(command).await;
    assert_success(&output);
    assert!(text(&output.stdout).contains("1 succeeded, 0 failed, 0 cancelled"));
}

#[tokio::test]
async fn a_token_is_sent_however_it_is_given_and_never_shown() {
    let mut server = Process::command(&["--listen", "127.0.0.1:0"]);
    server.env("WEBHOOK_TOKEN", "s3cret:@%/");
    let server = Process::start(server);
    let (url, address) = (server.url(""), server.address);
    let folder = std::env::temp_dir().join(format!("simulate-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    fs::write(&file, "s3cret:@%/\n").unwrap();
    let in_url = format!("http://hook:s3cret%3A%40%25%2f@{address}");
    let whole = format!("{in_url}{WEBHOOK}");
    let in_query = format!("{url}{WEBHOOK}?token=s3cret%3A%40%25%2F");
    let mut by_variable = simulate(&url, &["--runs", "1"]);
    by_variable.env("WEBHOOK_TOKEN", "s3cret:@%/,another");
    let mut url_before_variable = simulate(&in_url, &["--runs", "1"]);
    url_before_variable.env("WEBHOOK_TOKEN", "another");
    for command in [
        by_variable,
        url_before_variable,
        simulate(&url, &["--runs", "1", "--token", "s3cret:@%/"]),
        simulate(
            &url,
            &["--runs", "1", "--token-file", file.to_str().unwrap()],
        ),
        simulate(&in_url, &["--runs", "1"]),
        simulate(&whole, &["--runs", "1"]),
        simulate(&in_query, &["--runs", "1"]),
    ] {
        let shown = format!("{command:?}");
        let output = output(command).await;
        assert_eq!(output.status.code(), Some(0), "{shown}: {output:?}");
        for written in [&output.stdout, &output.stderr] {
            assert!(!text(written).contains("s3cret"), "{shown}: {output:?}");
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_receiver_that_wants_a_token_or_another_one_is_one_line_that_says_so() {
    let mut server = Process::command(&["--listen", "127.0.0.1:0"]);
    server.env("WEBHOOK_TOKEN", "writer");
    let server = Process::start(server);
    let without = output(simulate(&server.url(""), &[])).await;
    let line = only_line(&without);
    assert!(
        line.contains(" wants a token: give it with WEBHOOK_TOKEN, "),
        "{line}"
    );
    let url = format!("http://hook:s3cret@{}", server.address);
    for arguments in [&["--token", "s3cret"][..], &[]] {
        let wrong = output(simulate(&url, arguments)).await;
        let line = only_line(&wrong);
        assert!(line.contains(" wants another token: "), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_one_line_that_says_how_to_start_it() {
    let address = {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        taken.local_addr().unwrap()
    };
    let output = output(simulate(&format!("http://{address}"), &[])).await;
    let line = only_line(&output);
    let expected = format!("error: cannot reach http://{address}: Connection refused");
    assert!(line.starts_with(&expected), "{line}");
    let hint = format!("; start it with: comfydeploy-webhook --listen {address}\n");
    assert!(line.ends_with(&hint), "{line}");
}

#[tokio::test]
async fn a_bad_value_is_one_line_and_exit_code_2_and_shows_no_token() {
    for (arguments, expected) in [
        (
            ["--url", "https://hook:s3cret@host"],
            "http://: this sends plain HTTP only",
        ),
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
        let output = output(Process::command(&[&["simulate"][..], &arguments].concat())).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let line = text(&output.stderr);
        assert!(
            line.contains(arguments[0]) && line.contains(expected),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1, "{line}");
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
    let mut play = Process {
        child: command.spawn().unwrap(),
        address: server.address,
        first_lines: String::new(),
        log: None,
    };
    let mut said = BufReader::new(play.child.stderr.take().unwrap());
    said.read_line(&mut play.first_lines).unwrap();
    assert!(
        play.first_lines.contains(&server.url("/")),
        "{}",
        play.first_lines
    );
    play.signal("INT");
    assert_eq!(play.child.wait().unwrap().code(), Some(0));
    let mut summary = String::new();
    let mut stdout = play.child.stdout.take().unwrap();
    std::io::Read::read_to_string(&mut stdout, &mut summary).unwrap();
    assert!(summary.contains("1000 unfinished"), "{summary}");
}

/// One request as it came.
struct Request {
    head: String,
    body: String,
}

async fn read_request(connection: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if let Some((head, body)) = text(&bytes).split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                let body = body.to_owned();
                return Some(Request { head, body });
            }
        }
        // One whose sender has ended stays half.
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A receiver that refuses the updates in which this text is. It gives what it received, one request a
/// connection.
async fn refusing(refused: &'static str) -> (String, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let Some(request) = read_request(&mut connection).await else {
                continue;
            };
            let status = if request.body.contains(refused) {
                503
            } else {
                204
            };
            requests.lock().unwrap().push(request);
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
            // The sender may have ended.
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (url, received)
}

#[tokio::test]
async fn an_update_is_tried_three_times_the_last_two_as_get_and_then_counts_as_lost() {
    let (url, received) = refusing(r#""status":"success""#).await;
    let output = output(simulate(&url, &["--runs", "1"])).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = text(&output.stderr).lines().last().unwrap();
    assert!(error.starts_with("error: 1 of "), "{error}");
    assert!(
        error.ends_with("lost, the last one: the answer was 503 Service Unavailable"),
        "{error}"
    );
    assert!(
        text(&output.stdout).contains("0 cancelled, 1 unfinished"),
        "{output:?}"
    );

    let received = received.lock().unwrap();
    let tries: Vec<&Request> = received
        .iter()
        .filter(|request| request.body.contains(r#""status":"success""#))
        .collect();
    let methods: Vec<&str> = tries
        .iter()
        .map(|request| request.head.split(' ').next().unwrap())
        .collect();
    assert_eq!(methods, ["post", "get", "get"]);
    assert!(tries.iter().all(|request| request.body == tries[0].body));
    for Request { head, .. } in received.iter() {
        assert!(head.contains(&format!(" {WEBHOOK} http/1.1\r\n")), "{head}");
        assert!(head.contains("\r\naccept: */*"), "{head}");
        assert!(
            head.contains("\r\ncontent-type: application/json"),
            "{head}"
        );
        assert!(!head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_ends_it_at_once() {
    let (url, _) = refusing("").await;
    let output = output(simulate(&url, &["--runs", "1000"])).await;
    let line = only_line(&output);
    assert!(
        line.contains("takes no updates there: the answer was 503"),
        "{line}"
    );
}
