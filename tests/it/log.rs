//! What the program logs, and what it does not.

use std::process::Stdio;

use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::harness::{Process, WEBHOOK, read_to_end, update_head};

#[test]
fn one_log_line_says_where_to_point_comfydeploy() {
    let process = Process::serve(&[]);
    let url = format!("http://{}{WEBHOOK}", process.address);
    assert!(
        process
            .first_lines
            .contains(&format!("point ComfyDeploy's webhook at {url}\n"))
    );
}

#[test]
fn log_lines_can_be_json() {
    let process = Process::serve(&["--log-format", "json"]);
    let line: Value = serde_json::from_str(&process.first_lines).unwrap();
    assert_eq!(line["level"], "INFO");
}

#[tokio::test]
async fn an_accepted_update_leaves_no_log_line_and_a_refused_one_leaves_one() {
    let mut process = Process::serve(&[]);
    process
        .post(
            WEBHOOK,
            r#"{"run_id":"7c9e6679-7425-40de-944b-e07fc1f90ae7"}"#,
        )
        .await;
    process.post(WEBHOOK, r#"{"status":"odd"}"#).await;
    let (_, log) = process.stop();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains("refused an update") && lines[0].contains("/status"),
        "{log}"
    );
    assert!(lines[1].contains("SIGTERM"), "{log}");
}

#[tokio::test]
async fn an_update_that_breaks_http_leaves_one_log_line() {
    let mut process = Process::serve(&[]);
    for headers in ["host: y", "transfer-encoding: gzip, chunked"] {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        let head = update_head(headers);
        connection.write_all(head.as_bytes()).await.unwrap();
        read_to_end(&mut connection).await;
    }
    let (_, log) = process.stop();
    let refused = log.lines().filter(|line| line.contains("refused"));
    assert_eq!(refused.count(), 2, "{log}");
    for status in [400, 501] {
        let told = format!("refused an update status={status}");
        assert!(log.contains(&told), "{log}");
    }
}

#[tokio::test]
async fn updates_without_a_run_id_are_counted_in_the_log_but_not_each() {
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
async fn an_update_sent_to_a_wrong_path_is_noticed() {
    let mut process = Process::serve(&[]);
    assert_eq!(
        process
            .post("/api/webhook?token=secret", "{}")
            .await
            .status(),
        404
    );
    assert_eq!(
        process
            .post("/api/webhook&token=secret", "{}")
            .await
            .status(),
        404
    );
    let (_, log) = process.stop();
    assert!(
        log.contains("path=\"/api/webhook\"") && log.contains(WEBHOOK),
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test]
async fn strangers_keep_no_complaint_about_the_sender_out_of_the_log() {
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command.env("WEBHOOK_TOKEN", "t0ken");
    let mut process = Process::start(command);
    for _ in 0..50 {
        assert_eq!(process.post(WEBHOOK, "{}").await.status(), 401);
        assert_eq!(process.post("/elsewhere", "{}").await.status(), 404);
    }
    let with_token = format!("{WEBHOOK}?token=t0ken");
    let refused = process.post(&with_token, r#"{"status":"odd"}"#).await;
    assert_eq!(refused.status(), 422);
    let (_, log) = process.stop();
    assert!(
        log.contains("status=401") && log.contains("/elsewhere"),
        "{log}"
    );
    assert!(log.contains("status=422"), "{log}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_holds_up_nothing() {
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
