//! Output that nobody reads, in a pipe that is full.

use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::net::{TcpStream, unix::pipe};

use crate::harness::{
    Process, WEBHOOK, output, read_to_end, send, text, until, update, update_head, with_timeout,
};

/// The writing end of a pipe that is full, and the reading end.
async fn full_pipe() -> (OwnedFd, pipe::Receiver) {
    let (writer, reader) = pipe::pipe().unwrap();
    writer.writable().await.unwrap();
    while writer.try_write(&[b'x'; 4096]).is_ok() {}
    (writer.into_blocking_fd().unwrap(), reader)
}

/// The value of the counter of log lines that were left out.
async fn left_out(process: &Process) -> u64 {
    let response = with_timeout(reqwest::get(process.url("/metrics")))
        .await
        .unwrap();
    let metrics = response.text().await.unwrap();
    let name = "comfydeploy_webhook_log_lines_left_out_total ";
    let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name));
    values.next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let mut process = Process::serve(&["--log", "trace", "--threads", "2"]);
    assert_eq!(left_out(&process).await, 0);
    let rejected = update_head("content-length: 2") + "[]";
    let last = update_head("connection: close\r\ncontent-length: 2") + "[]";
    until("lines of the log are left out", async || {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        send(&mut connection, rejected.repeat(200) + &last).await;
        let responses = read_to_end(&mut connection).await;
        assert_eq!(responses.matches("HTTP/1.1 422 ").count(), 201);
        left_out(&process).await > 0
    })
    .await;
    let accepted = with_timeout(process.post(WEBHOOK, update(1, "queued"))).await;
    assert_eq!(accepted.status(), 200);
    let health = with_timeout(reqwest::get(process.url("/healthz"))).await;
    assert_eq!(health.unwrap().status(), 200);

    let begun = Instant::now();
    assert_eq!(process.stop_unread().await, Some(0));
    // It waits a second for its last lines.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn standard_error_that_nobody_reads_stops_neither_the_service_nor_an_error() {
    let (stderr, _unread) = full_pipe().await;
    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command.stderr(Stdio::from(stderr.try_clone().unwrap()));
    let mut process = Process::start(command);
    for _ in 0..100 {
        let rejected = with_timeout(process.post(WEBHOOK, "[]")).await;
        assert_eq!(rejected.status(), 422);
    }
    assert_eq!(process.stop_unread().await, Some(0));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, code) in [
        (&["--listen", &taken][..], 1),
        (&["--nonsense"], 2),
        (&["healthcheck", "--listen", "127.0.0.1:1"], 1),
    ] {
        let mut command = Process::command(arguments);
        command.stderr(Stdio::from(stderr.try_clone().unwrap()));
        let status = with_timeout(tokio::process::Command::from(command).status()).await;
        assert_eq!(status.unwrap().code(), Some(code), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_last_lines_are_written_before_an_error_ends_the_program() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    // Too few open files are worth a warning, which is the last line of the log before the error.
    let program = Process::command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 64; exec \"$0\" --listen \"$1\""])
        .arg(program)
        .arg(&taken)
        .env_clear();
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(1));
    let (log, error) = (text(&output.stdout), text(&output.stderr));
    assert!(log.ends_with("lower --max-connections\n"), "{log}");
    assert!(error.contains("cannot listen on"), "{error}");
}
