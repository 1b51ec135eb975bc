//! What the program logs, and what it does not.

use std::process::Stdio;

use reqwest::Client;
use serde_json::Value;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::harness::{Process, WEBHOOK, read_to_end, send, update, update_head, with_timeout};

#[test]
fn the_log_says_where_runs_are_shown_and_where_updates_are_accepted() {
    let process = Process::serve(&[]);
    let address = process.address;
    let line = format!(
        " ready: runs are shown at http://{address}/; updates are accepted at http://{address}{WEBHOOK}\n"
    );
    assert!(
        process.first_lines.ends_with(&line),
        "{}",
        process.first_lines
    );

    // From this machine all interfaces are reached by loopback; which name others use is not known.
    let everywhere = Process::start(Process::command(&["--listen", ":0"]));
    let port = everywhere.address.port();
    let line = format!(
        " at http://127.0.0.1:{port}/; updates are accepted at http://<this host>:{port}{WEBHOOK}\n"
    );
    assert!(
        everywhere.first_lines.ends_with(&line),
        "{}",
        everywhere.first_lines
    );
}

#[tokio::test]
async fn levels_of_other_modules_silence_neither_the_ready_line_nor_warnings() {
    for filter in ["myapp=debug", "hyper=off", "[nowhere]=trace", ""] {
        let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", filter);
        let mut process = Process::start(command);
        process.post(WEBHOOK, r#"{"status":"odd"}"#).await;
        let (_, log) = process.stop();
        assert!(
            log.contains("WARN") && log.contains("update rejected"),
            "{filter}: {log}"
        );
    }
}

#[test]
fn log_lines_can_be_json() {
    let process = Process::serve(&["--log-format", "json"]);
    let line: Value = serde_json::from_str(&process.first_lines).unwrap();
    assert_eq!(line["level"], "INFO");
}

#[tokio::test]
async fn an_accepted_update_is_not_logged_and_a_rejected_one_is() {
    let mut process = Process::serve(&[]);
    process.post(WEBHOOK, update(1, "queued")).await;
    process.post(WEBHOOK, r#"{"status":"odd"}"#).await;
    let (_, log) = process.stop();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains("update rejected") && lines[0].contains("/status"),
        "{log}"
    );
    assert!(lines[1].contains("SIGTERM"), "{log}");
}

#[tokio::test]
async fn an_update_that_violates_http_is_logged() {
    let mut process = Process::serve(&[]);
    for headers in ["host: y", "transfer-encoding: gzip, chunked"] {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, update_head(headers)).await;
        read_to_end(&mut connection).await;
    }
    let (_, log) = process.stop();
    let rejected = log.lines().filter(|line| line.contains("rejected"));
    assert_eq!(rejected.count(), 2, "{log}");
    for status in [400, 501] {
        let line = format!("update rejected status={status}");
        assert!(log.contains(&line), "{log}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_speak_http_1_leaves_a_line_that_says_what_to_do() {
    let mut process = Process::serve(&[]);
    for start in [
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "NONSENSE\r\n\r\n",
    ] {
        for _ in 0..3 {
            let mut connection = TcpStream::connect(process.address).await.unwrap();
            send(&mut connection, start).await;
            let mut response = Vec::new();
            // It may be reset, since the service does not read all of it.
            let _ = with_timeout(connection.read_to_end(&mut response)).await;
        }
    }
    let accepted = process.post(WEBHOOK, update(1, "queued")).await;
    assert_eq!(accepted.status(), 200);
    let (_, log) = process.stop();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 3, "{log}");
    for (line, expected) in lines.into_iter().zip([
        "a client spoke TLS to this port, which takes plain HTTP: use http://",
        "a client spoke HTTP/2 to this port, which takes HTTP/1.1",
        "a load balancer sent the PROXY protocol",
    ]) {
        assert!(
            line.contains(expected) && line.contains("client=127.0.0.1:"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn of_updates_without_a_run_id_the_1st_2nd_and_4th_are_logged() {
    let mut process = Process::serve(&[]);
    for _ in 0..5 {
        assert_eq!(process.post(WEBHOOK, "{}").await.status(), 200);
    }
    let (_, log) = process.stop();
    let counts: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split("count=").nth(1))
        .collect();
    assert_eq!(counts, ["1", "2", "4"], "{log}");
}

#[tokio::test]
async fn an_update_sent_to_a_wrong_path_is_logged_without_its_token() {
    let mut process = Process::serve(&[]);
    for path in ["/api/webhook?token=secret", "/api/webhook&token=secret"] {
        assert_eq!(process.post(path, "{}").await.status(), 404, "{path}");
    }
    // The retry of an update that was sent to the address without a path.
    let retry = Client::new().get(process.url("/")).body("{}");
    let retry = retry.header("content-type", "application/json");
    assert_eq!(retry.send().await.unwrap().status(), 400);
    let (_, log) = process.stop();
    let misdirected = format!("update sent to a wrong path; updates go to POST {WEBHOOK}");
    assert_eq!(log.matches(&misdirected).count(), 3, "{log}");
    assert!(log.contains("method=\"GET\" path=\"/\""), "{log}");
    assert!(
        log.contains("method=\"POST\" path=\"/api/webhook\""),
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn unauthenticated_noise_does_not_hide_rejected_updates() {
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command.env("WEBHOOK_TOKEN", "t0ken");
    let mut process = Process::start(command);
    for _ in 0..50 {
        assert_eq!(process.post(WEBHOOK, "{}").await.status(), 401);
    }
    let with_token = format!("{WEBHOOK}?token=t0ken");
    let rejected = process.post(&with_token, r#"{"status":"odd"}"#).await;
    assert_eq!(rejected.status(), 422);
    assert_eq!(process.post("/misdirected", "{}").await.status(), 404);
    let (_, log) = process.stop();
    assert!(log.contains("status=401"), "{log}");
    assert!(log.contains("status=422"), "{log}");
    assert!(log.contains("/misdirected"), "{log}");
}

#[tokio::test]
async fn the_service_goes_on_when_its_log_pipe_is_closed() {
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command.stderr(Stdio::piped());
    let mut process = Process::start(command);
    drop(process.child.stderr.take());
    drop(process.log.take());
    assert_eq!(
        process.post(WEBHOOK, r#"{"status":"odd"}"#).await.status(),
        422
    );
    process.signal("TERM");
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}
