//! The program: flags, exit codes, signals.

use std::{io::BufRead, net::TcpListener};

use clap::CommandFactory;
use comfydeploy_webhook::cli::Cli;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::harness::{
    Process, assert_status, output, read_to_end, send, text, until, update_head, with_timeout,
};

/// How many threads the program has, as Linux lists them.
#[cfg(target_os = "linux")]
fn threads(flag: &str) -> usize {
    let process = Process::serve(&["--threads", flag]);
    let threads = std::fs::read_dir(format!("/proc/{}/task", process.child.id()));
    threads.unwrap().count()
}

#[cfg(target_os = "linux")]
#[test]
fn with_one_thread_the_main_thread_serves_and_with_several_they_serve_beside_it() {
    // Threads for other work than serving would be in both counts.
    assert_eq!(threads("3") - threads("1"), 3);
}

#[tokio::test]
async fn help_explains_every_flag_in_one_line_with_its_variable_and_default() {
    let help = output(Process::command(&["--help"])).await;
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
        // The value of a variable that may lead to a token is not shown.
        let value = if flag.is_hide_env_values_set() {
            ""
        } else {
            "="
        };
        let default = match flag.get_default_values() {
            [default] => format!(" [default: {}]", default.to_str().unwrap()),
            _ => String::new(),
        };
        let end = format!(" [env: {variable}{value}]{default}");
        assert!(line.ends_with(&end), "{line}");
        assert!(
            line.contains(&flag.get_help().unwrap().to_string()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn version_prints_the_version_of_the_package() {
    let version = output(Process::command(&["--version"])).await;
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout),
        concat!("comfydeploy-webhook ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[tokio::test]
async fn a_bad_flag_prints_one_line_and_exits_with_2() {
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
        let output = output(Process::command(&arguments)).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let line = text(&output.stderr);
        assert!(line.starts_with("error: ") && line.contains(name), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_bad_variable_prints_one_line_and_exits_with_2() {
    let mut command = Process::command(&[]);
    command.env("MAX_RUNS", "many");
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: invalid value 'many' for '--max-runs <RUNS>': expected a whole number from 1 to 10000000\n"
    );
}

#[tokio::test]
async fn a_port_in_use_prints_one_line_and_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = output(Process::command(&["--listen", &address])).await;
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

#[tokio::test]
async fn the_health_check_succeeds_while_the_service_runs() {
    let mut process = Process::serve(&[]);
    let address = process.address.to_string();
    let check = || Process::command(&["healthcheck", "--listen", &address]);
    let healthy = output(check()).await;
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
    // As in an image, where the service listens on all interfaces and only the variable says where.
    let everywhere = format!("0.0.0.0:{}", process.address.port());
    let mut by_variable = Process::command(&["healthcheck"]);
    by_variable.env("LISTEN", everywhere);
    assert!(output(by_variable).await.status.success());

    process.signal("TERM");
    assert!(process.child.wait().unwrap().success());
    let gone = output(check()).await;
    assert_eq!(gone.status.code(), Some(1));
    let line = text(&gone.stderr);
    assert!(line.contains("Connection refused"), "{line}");
}

/// A request whose headers and half of whose body the server has.
async fn half_sent(process: &Process) -> TcpStream {
    let mut connection = TcpStream::connect(process.address).await.unwrap();
    let head = update_head("expect: 100-continue\r\ncontent-length: 2");
    send(&mut connection, head).await;
    let mut go_on = [0; 25];
    with_timeout(connection.read_exact(&mut go_on))
        .await
        .unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    send(&mut connection, "{").await;
    connection
}

#[tokio::test]
async fn a_signal_lets_requests_in_flight_finish_and_the_exit_code_is_0() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::serve(&[]);
        let idle = TcpStream::connect(process.address).await.unwrap();
        let mut connection = half_sent(&process).await;
        process.signal(signal);
        until("no new connection is accepted", async || {
            TcpStream::connect(process.address).await.is_err()
        })
        .await;
        send(&mut connection, "}").await;
        let response = read_to_end(&mut connection).await;
        assert_status(&response, 200);
        assert_eq!(process.child.wait().unwrap().code(), Some(0), "{signal}");
        drop(idle);
    }
}

#[tokio::test]
async fn a_request_that_never_finishes_delays_the_exit_no_longer_than_the_drain_timeout() {
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
        // A second signal that is sent before the first one is handled may be merged with it.
        let mut line = String::new();
        let log = process.log.as_mut().unwrap();
        log.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("SIG{first}: ")), "{line}");
        process.signal(second);
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{first}, {second}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(
            log.contains("second signal: exiting with requests in flight"),
            "{log}"
        );
        drop(connection);
    }
}
