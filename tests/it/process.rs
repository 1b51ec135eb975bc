//! The program: threads, exit codes, signals.

use std::{io::BufRead, process::Command};

use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::harness::{
    Process, WEBHOOK, assert_status, is_installed, output, problem, read_to_end, run_id, send,
    text, until, update, update_head, with_timeout,
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
    let mut by_port = Process::command(&["healthcheck"]);
    by_port.env("PORT", process.address.port().to_string());
    assert!(output(by_port).await.status.success());

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

#[tokio::test]
async fn during_the_drain_delay_the_service_is_not_ready_but_serves_as_usual() {
    let mut process = Process::serve(&["--drain-delay", "1h"]);
    let client = reqwest::Client::new();
    let get = async |path| client.get(process.url(path)).send().await.unwrap();
    assert_eq!(get("/readyz").await.status(), 200);
    process.signal("TERM");
    until("/readyz says 503", async || {
        get("/readyz").await.status() == 503
    })
    .await;
    problem(get("/readyz").await, 503).await;
    assert_eq!(get("/healthz").await.status(), 200);
    // On a new connection, as from ComfyDeploy.
    assert_eq!(
        process.post(WEBHOOK, update(1, "queued")).await.status(),
        200
    );
    let mut stream = get(&format!("/api/runs/{}/events", run_id(1))).await;
    let mut events = String::new();
    while !events.contains("queued") {
        let chunk = with_timeout(stream.chunk()).await.unwrap();
        events += text(&chunk.expect("the stream has ended"));
    }
    process.signal("TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0));
    assert!(
        log.contains("still serving for 3600s (--drain-delay)"),
        "{log}"
    );
}

#[tokio::test]
async fn after_the_drain_delay_streams_end_and_the_exit_code_is_0() {
    let mut process = Process::serve(&["--drain-delay", "1ms"]);
    let mut stream = reqwest::get(process.url("/api/events")).await.unwrap();
    let (code, _) = process.stop();
    assert_eq!(code, Some(0));
    while with_timeout(stream.chunk()).await.unwrap().is_some() {}
}

/// Whether a network without IPv6 can be made, which needs rights that some systems give to nobody but root.
fn can_disable_ipv6() -> bool {
    let script = format!("{WITHOUT_IPV6} true");
    let is_possible = is_installed("unshare")
        && is_installed("nsenter")
        && is_installed("ip")
        && Command::new("unshare")
            .args(["-rn", "sh", "-c", &script])
            .status()
            .unwrap()
            .success();
    if !is_possible {
        println!("skipped: cannot make a network without IPv6");
    }
    is_possible
}

const WITHOUT_IPV6: &str =
    "ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 &&";

#[tokio::test]
async fn without_ipv6_all_interfaces_are_served_and_found_over_ipv4() {
    if !can_disable_ipv6() {
        return;
    }
    let program = Process::command(&[]).get_program().to_owned();
    let script = format!("{WITHOUT_IPV6} exec \"$0\" --listen [::]:8080");
    let mut command = Command::new("unshare");
    command
        .args(["-rn", "sh", "-c", &script])
        .arg(&program)
        .env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let process = Process::start(command);
    assert_eq!(process.address.to_string(), "127.0.0.1:8080");
    for arguments in [
        &["healthcheck"][..],
        &["simulate", "--runs", "1", "--speed", "1000"],
    ] {
        let mut command = Command::new("nsenter");
        let pid = process.child.id().to_string();
        command.args([
            "--preserve-credentials",
            "--user",
            "--net",
            "--target",
            &pid,
        ]);
        command
            .arg(&program)
            .args(arguments)
            .args(["--listen", "[::]:8080"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        let output = output(command).await;
        assert!(output.status.success(), "{output:?}");
    }
}
