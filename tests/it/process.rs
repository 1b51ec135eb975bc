//! The program: flags, exit codes, signals.

use std::{io::BufRead, net::TcpListener, process::Output};

use clap::CommandFactory;
use comfydeploy_webhook::cli::Cli;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Process, patiently, read_to_end, update_head};

fn output(arguments: &[&str]) -> Output {
    Process::command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn one_thread_serves_alone_and_several_serve_beside_the_one_that_accepts() {
    for (threads, all) in [("1", 1), ("3", 4)] {
        let process = Process::serve(&["--threads", threads]);
        let tasks = format!("/proc/{}/task", process.child.id());
        assert_eq!(std::fs::read_dir(tasks).unwrap().count(), all);
    }
}

#[test]
fn help_explains_every_flag_in_one_line_with_its_variable_and_default() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    let help = text(&help.stdout);
    for flag in Cli::command()
        .get_arguments()
        .filter(|flag| flag.is_global_set() || flag.get_env().is_some())
    {
        let name = format!("--{} ", flag.get_long().unwrap());
        let line = help
            .lines()
            .find(|line| line.trim().starts_with(&name))
            .expect(&name);
        let variable = flag
            .get_env()
            .expect("a flag without a variable")
            .to_str()
            .unwrap();
        let default = match flag.get_default_values() {
            [default] => format!(" [default: {}]", default.to_str().unwrap()),
            _ => String::new(),
        };
        assert!(
            line.ends_with(&format!("[env: {variable}=]{default}"))
                || line.ends_with(&format!("[env: {variable}]")),
            "{line}"
        );
        assert!(
            line.contains(&flag.get_help().unwrap().to_string()),
            "{line}"
        );
    }
}

#[test]
fn the_version_is_the_packages() {
    let version = output(&["--version"]);
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout),
        concat!("comfydeploy-webhook ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_bad_value_is_one_line_and_exit_code_2() {
    for (arguments, name) in [
        (["--max-body", "4 apples"], "--max-body"),
        (["--max-body", "1"], "--max-body"),
        (["--max-runs", "0"], "--max-runs"),
        (["--max-bytes", "1"], "--max-bytes"),
        (["--retention", "7"], "--retention"),
        (["--body-timeout", "2h"], "--body-timeout"),
        (["--drain-timeout", "1s ago"], "--drain-timeout"),
        (["--listen", "localhost"], "--listen"),
        (["--log-format", "xml"], "--log-format"),
        (["--log", "=="], "--log"),
        (["--port", "1"], "--port"),
    ] {
        let output = output(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let line = text(&output.stderr);
        assert!(line.starts_with("error: ") && line.contains(name), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_bad_variable_is_one_line_and_exit_code_2() {
    let output = Process::command(&[])
        .env("MAX_RUNS", "many")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: invalid value 'many' for '--max-runs <RUNS>': expected a whole number from 1 to 10000000\n"
    );
}

#[test]
fn a_port_in_use_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = output(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stderr);
    assert!(
        line.starts_with(&format!(
            "error: cannot listen on {address}: Address already in use"
        )),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn the_health_check_asks_the_running_service() {
    let mut process = Process::serve(&[]);
    let address = process.address.to_string();
    let healthy = output(&["healthcheck", "--listen", &address]);
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
    // As in an image, where the service listens on all interfaces and only the variable says where.
    let everywhere = format!("0.0.0.0:{}", process.address.port());
    let by_variable = Process::command(&["healthcheck"])
        .env("LISTEN", everywhere)
        .status()
        .unwrap();
    assert!(by_variable.success());

    process.signal("TERM");
    assert!(process.child.wait().unwrap().success());
    let gone = output(&["healthcheck", "--listen", &address]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        text(&gone.stderr).contains("Connection refused"),
        "{}",
        text(&gone.stderr)
    );
}

/// A request of which the server has read the headers and half of the body.
async fn half_sent(process: &Process) -> TcpStream {
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    let head = update_head("expect: 100-continue\r\ncontent-length: 2");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    patiently(connection.read_exact(&mut go_on)).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(b"{").await.unwrap();
    connection
}

#[tokio::test]
async fn a_signal_lets_requests_in_flight_finish_and_the_exit_code_is_0() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::serve(&[]);
        let idle = TcpStream::connect(process.address).await.unwrap();
        let mut connection = half_sent(&process).await;
        process.signal(signal);
        // It takes no new connections once it has heard the signal.
        patiently(async { while TcpStream::connect(process.address).await.is_ok() {} }).await;
        connection.write_all(b"}").await.unwrap();
        let answer = read_to_end(&mut connection).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{signal}: {answer}");
        assert_eq!(process.child.wait().unwrap().code(), Some(0), "{signal}");
        drop(idle);
    }
}

#[tokio::test]
async fn a_request_that_never_finishes_does_not_hold_up_the_exit() {
    let mut process = Process::serve(&["--drain-timeout", "100ms", "--body-timeout", "1h"]);
    let connection = half_sent(&process).await;
    let (code, log) = process.stop();
    assert_eq!(code, Some(0));
    assert!(
        log.contains("gave up on requests that were still in flight after 100ms"),
        "{log}"
    );
    drop(connection);
}

#[tokio::test]
async fn a_second_signal_ends_the_wait_for_requests_in_flight() {
    for [first, second] in [["INT", "INT"], ["TERM", "TERM"], ["TERM", "INT"]] {
        let mut process = Process::serve(&["--drain-timeout", "1m", "--body-timeout", "1h"]);
        let connection = half_sent(&process).await;
        process.signal(first);
        // Sent before the first one is heard, the second could be taken for the same.
        let mut heard = String::new();
        let log = process.log.as_mut().unwrap();
        log.read_line(&mut heard).unwrap();
        assert!(heard.contains(&format!("SIG{first}: ")), "{heard}");
        process.signal(second);
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{first}, {second}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(
            log.contains("gave up on requests that were still in flight at a second signal"),
            "{log}"
        );
        drop(connection);
    }
}
