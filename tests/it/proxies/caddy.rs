//! Caddy.

use std::process::{Command, Output, Stdio};

use reqwest::Method;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpStream,
};

use super::{NAME, Proxy, assert_keeps_the_name, assert_passes, configuration, free_port, server};
use crate::harness::{
    Folder, README, Server, WEBHOOK, file_with, is_installed, output, read, run_id, text, until,
    update, with_timeout,
};

/// The configuration of the project, which Compose uses.
const FILE: &str = ".github/Caddyfile";

/// Caddy with a configuration, on this port. Its certificates go to the folder.
async fn start(folder: &Folder, config: &str, port: u16, variables: &[(&str, &str)]) -> Proxy {
    let config = file_with(&format!("Caddyfile-{port}"), config);
    let mut caddy = Command::new("caddy");
    caddy
        .args(["run", "--adapter", "caddyfile", "--config", &config])
        .env("XDG_DATA_HOME", folder.path("data"))
        .env("XDG_CONFIG_HOME", folder.path("config"))
        .envs(variables.iter().copied());
    caddy.stderr(Stdio::null());
    Proxy::start(caddy, port).await
}

/// Caddy with the configuration of the guide, but without TLS, on a port of its own.
async fn start_of_guide(folder: &Folder, server: &Server) -> Proxy {
    let port = free_port().await;
    let config = configuration(README, "reverse_proxy", server)
        .replace(NAME, &format!("http://{NAME}:{port}"));
    // Its interface for administration has one port.
    start(folder, &format!("{{\n\tadmin off\n}}\n{config}"), port, &[]).await
}

#[tokio::test]
async fn caddy_passes_all_that_senders_and_readers_send() {
    if !is_installed("caddy") {
        return;
    }
    let (folder, server) = (Folder::new(), server().await);
    let proxy = start_of_guide(&folder, &server).await;
    assert_passes(&proxy).await;
}

#[tokio::test]
async fn caddy_passes_the_name_on() {
    if !is_installed("caddy") {
        return;
    }
    let (folder, server) = (Folder::new(), Server::start().await);
    let proxy = start_of_guide(&folder, &server).await;
    assert_keeps_the_name(&proxy).await;
}

#[tokio::test]
async fn the_caddy_of_compose_passes_all_of_it_with_the_name_and_the_service_of_variables() {
    if !is_installed("caddy") {
        return;
    }
    let (folder, server, port) = (Folder::new(), server().await, free_port().await);
    let domain = format!("http://{NAME}:{port}");
    let variables = [
        ("DOMAIN", &*domain),
        ("SERVICE", &server.address.to_string()),
    ];
    let proxy = start(&folder, &read(FILE), port, &variables).await;
    assert_passes(&proxy).await;
}

/// A client that trusts Caddy's own certificates, as ComfyDeploy trusts those of a public authority.
fn curl(folder: &Folder, arguments: &[&str]) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60", "--cacert"])
        .arg(folder.path("data/caddy/pki/authorities/local/root.crt"))
        .args(arguments);
    curl
}

/// The status and the body of a response of HTTP/2.
fn response(output: &Output) -> (&str, &str) {
    let (head, body) = text(&output.stdout)
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{output:?}"));
    let status = head.strip_prefix("HTTP/2 ").expect(head);
    (&status[..3], body)
}

#[tokio::test]
async fn the_caddy_of_compose_passes_updates_and_streams_with_tls_and_redirects_nothing() {
    if !is_installed("caddy") || !is_installed("curl") {
        return;
    }
    let (folder, server, port) = (Folder::new(), server().await, free_port().await);
    // For this name Caddy has a certificate of its own, which this machine shall not trust.
    let domain = format!("localhost:{port}");
    let variables = [
        ("DOMAIN", &*domain),
        ("SERVICE", &server.address.to_string()),
    ];
    let plain = free_port().await;
    let more = format!("admin off\n\tskip_install_trust\n\thttp_port {plain}");
    let config = read(FILE).replace("admin off", &more);
    let _proxy = start(&folder, &config, port, &variables).await;
    let healthy = format!("https://{domain}/healthz");
    until("there is a certificate", async || {
        output(curl(&folder, &[&healthy])).await.status.success()
    })
    .await;

    let webhook = format!("https://hook:hook@{domain}{WEBHOOK}");
    for (method, status) in [("POST", "queued"), ("GET", "running")] {
        let body = update(1, status);
        let json = [
            "--header",
            "Content-Type: application/json",
            "--data",
            &body,
        ];
        let sent = output(curl(
            &folder,
            &[&["--include", "--request", method, &webhook], &json[..]].concat(),
        ))
        .await;
        assert_eq!(response(&sent), ("200", ""), "{method}: {sent:?}");
    }
    let events = format!("https://{domain}/api/runs/{}/events", run_id(1));
    let mut reading = curl(
        &folder,
        &[
            "--no-buffer",
            "--header",
            "Authorization: Bearer reader",
            &events,
        ],
    );
    reading.stdout(Stdio::piped());
    let mut reading = tokio::process::Command::from(reading)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    let mut until_event = async |with: &str| {
        let mut line = String::new();
        while !(line.starts_with("data: ") && line.contains(with)) {
            line = with_timeout(lines.next_line()).await.unwrap().expect(with);
        }
    };
    until_event(r#""status":"processing""#).await;
    let request = server.webhook(Method::POST, update(1, "uploading"));
    let accepted = request.bearer_auth("hook").send().await.unwrap();
    assert_eq!(accepted.status(), 200);
    until_event(r#""platform_status":"uploading""#).await;

    // A sender at the wrong scheme fails, rather than being sent elsewhere without its update.
    let redirecting = TcpStream::connect(("127.0.0.1", plain)).await;
    assert!(redirecting.is_err(), "Caddy listens for plain HTTP");
}
