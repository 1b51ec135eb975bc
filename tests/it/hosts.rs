//! Under which names everyone may read, where no read token is required.

use reqwest::{Method, RequestBuilder};
use tokio::net::TcpStream;

use crate::harness::{
    Process, Server, WEBHOOK, assert_status, detail, problem, read_to_end, run_id, send, update,
};

/// A name that its owner lets point to 127.0.0.1.
const REBOUND: &str = "attacker.example:8080";

/// Sends a request with these headers, and returns the response.
async fn response(server: &Server, target: &str, version: &str, headers: &str) -> String {
    let request = format!("GET {target} HTTP/{version}\r\n{headers}connection: close\r\n\r\n");
    server.raw(request).await
}

fn request(server: &Server, method: Method, path: &str, host: &str) -> RequestBuilder {
    server.request(method, path).header("host", host)
}

/// Every path that shows something, as the service describes itself; the page is among them.
async fn readers_paths(server: &Server) -> Vec<String> {
    let description = server.json("/openapi.json").await;
    let paths = description["paths"].as_object().unwrap();
    let paths: Vec<String> = paths
        .keys()
        .filter(|path| ![WEBHOOK, "/healthz", "/readyz"].contains(&path.as_str()))
        .map(|path| path.replace("{run_id}", &run_id(1)))
        .collect();
    assert!(paths.len() >= 7 && paths.contains(&"/".into()), "{paths:?}");
    paths
}

#[tokio::test]
async fn everyone_may_read_at_addresses_and_names_that_no_stranger_can_own() {
    let server = Server::start().await;
    for (host, status) in [
        ("127.0.0.1:8080", 200),
        ("192.0.2.1", 200),
        ("[::1]:8080", 200),
        ("[fe80::1%25eth0]", 200),
        ("localhost:3000", 200),
        ("LOCALHOST.", 200),
        ("app.localhost", 200),
        ("comfy_webhook:8080", 200),
        ("nas.local", 200),
        ("webhook.railway.internal", 200),
        ("2130706433", 200),
        ("runs.example.com", 403),
        ("localhost.evil.com", 403),
        ("127.0.0.1.evil.com", 403),
        ("0x7f.1", 403),
        ("xn--bcher-kva.example", 403),
        ("evil.com.:8080", 403),
        ("user:password@localhost", 403),
        ("localhost:80:evil.com", 403),
        ("[::1].evil.com", 403),
        ("", 403),
    ] {
        let headers = format!("host: {host}\r\n");
        let response = response(&server, "/api/runs", "1.1", &headers).await;
        assert_status(&response, status);
    }
}

#[tokio::test]
async fn every_name_that_a_request_carries_counts_and_there_is_at_least_one() {
    let server = Server::start().await;
    for (target, version, headers, status) in [
        ("/api/runs", "1.0", "", 403),
        ("/api/runs", "1.0", "host: localhost\r\n", 200),
        ("http://localhost/api/runs", "1.1", "host: x\r\n", 200),
        ("http://localhost/api/runs", "1.0", "", 200),
        (
            "http://evil.com/api/runs",
            "1.1",
            "host: localhost\r\n",
            403,
        ),
        (
            "http://localhost/api/runs",
            "1.1",
            "host: evil.com\r\n",
            403,
        ),
        ("http://a@localhost/api/runs", "1.1", "host: x\r\n", 403),
        // As proxies and tunnels leave it that replace Host by the address they forward to.
        (
            "/api/runs",
            "1.1",
            "host: x\r\nx-forwarded-host: evil.com\r\n",
            403,
        ),
        (
            "/api/runs",
            "1.1",
            "host: x\r\nx-forwarded-host: y, evil.com\r\n",
            403,
        ),
        (
            "/api/runs",
            "1.1",
            "host: x\r\nx-forwarded-host: localhost:3000\r\n",
            200,
        ),
        (
            "/api/runs",
            "1.1",
            "host: evil.com\r\nx-forwarded-host: x\r\n",
            403,
        ),
    ] {
        let response = response(&server, target, version, headers).await;
        let start = format!("HTTP/{version} {status} ");
        assert!(
            response.starts_with(&start),
            "{target} {headers}: {response}"
        );
    }
}

#[tokio::test]
async fn a_page_whose_name_was_rebound_to_this_machine_reads_nothing() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let mut paths = readers_paths(&server).await;
    paths.push("/nowhere".to_owned());
    for path in paths {
        let read = request(&server, Method::GET, &path, REBOUND);
        let rejected = problem(read.send().await.unwrap(), 403).await;
        let said = detail(&rejected);
        assert!(
            said.contains("set READ_TOKEN") && said.contains("--allow-host attacker.example"),
            "{said}"
        );
        for method in [Method::HEAD, Method::OPTIONS, Method::DELETE] {
            let other = request(&server, method.clone(), &path, REBOUND);
            let other = other.send().await.unwrap();
            assert_eq!(other.status(), 403, "{method} {path}");
        }
        // Who sends an update to a wrong path learns the right one, and nothing else.
        let update = request(&server, Method::POST, &path, REBOUND).body("{}");
        let told = update.send().await.unwrap().text().await.unwrap();
        assert!(
            told.contains(WEBHOOK) && !told.contains(&run_id(1)),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_browser_sees_a_page_that_says_what_to_set() {
    let server = Server::start().await;
    let open = request(&server, Method::GET, "/", "runs.example.com").header("accept", "text/html");
    let response = open.send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let page = response.text().await.unwrap();
    assert!(
        page.contains("READ_TOKEN") && page.contains("--allow-host"),
        "{page}"
    );
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_can_read_why_it_is_rejected() {
    let server = Server::with_flags(&["--cors-origin", "https://app.example.com"]).await;
    for (method, status) in [(Method::GET, 403), (Method::OPTIONS, 200)] {
        let request = request(&server, method, "/api/runs", "runs.example.com")
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "GET");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let allowed = &response.headers()["access-control-allow-origin"];
        assert_eq!(allowed, "https://app.example.com");
        let body = response.text().await.unwrap();
        assert!(!body.contains("next_cursor"), "{body}");
    }
}

#[tokio::test]
async fn probes_and_the_webhook_are_answered_under_any_name() {
    let server = Server::start().await;
    for host in [REBOUND, "runs.example.com", "", "a@b", "localhost"] {
        for path in ["/healthz", "/readyz"] {
            let headers = format!("host: {host}\r\n");
            assert_status(&response(&server, path, "1.1", &headers).await, 200);
        }
        let report = server.webhook(Method::POST, update(1, "queued"));
        let report = report.header("host", host).send().await.unwrap();
        assert_eq!(report.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn with_a_read_token_or_where_it_is_allowed_any_name_is_fine() {
    let with_token = Server::with_tokens("", "reader", &[]).await;
    let read = request(&with_token, Method::GET, "/api/runs", REBOUND);
    problem(read.send().await.unwrap(), 401).await;
    let read = request(&with_token, Method::GET, "/api/runs", REBOUND).bearer_auth("reader");
    assert_eq!(read.send().await.unwrap().status(), 200);

    let flags = ["--allow-host", "Runs.example.com,runs.example.org:443"];
    let allowing = Server::with_flags(&flags).await;
    for (host, status) in [
        ("runs.example.com:8443", 200),
        ("RUNS.EXAMPLE.ORG.", 200),
        ("localhost", 200),
        ("example.com", 403),
        ("x.runs.example.com", 403),
    ] {
        let read = request(&allowing, Method::GET, "/api/runs", host);
        assert_eq!(read.send().await.unwrap().status(), status, "{host}");
    }

    let open = Server::with_flags(&["--allow-host", "*"]).await;
    for headers in ["host: evil.com\r\n", "host: \r\n", "host: a@b\r\n"] {
        assert_status(&response(&open, "/api/runs", "1.1", headers).await, 200);
    }
}

/// Sends requests of the same kind at a name, and waits for the responses.
async fn at(process: &Process, host: &str, start: &str) {
    for _ in 0..3 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        let request = format!(
            "{start} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: 2\r\nconnection: close\r\n\r\n{{}}"
        );
        let without_body = request
            .replace("content-length: 2\r\n", "")
            .replace("{}", "");
        let is_update = start.starts_with("POST");
        send(
            &mut connection,
            if is_update { request } else { without_body },
        )
        .await;
        read_to_end(&mut connection).await;
    }
}

#[tokio::test]
async fn the_log_says_once_what_to_set_for_readers_and_for_updates_at_a_public_name() {
    const READER: &str = "rejected a reader: without READ_TOKEN";
    const UPDATE: &str = "anyone can send updates there; set WEBHOOK_TOKEN";
    let report = format!("POST {WEBHOOK}");
    let mut open = Process::serve(&[]);
    at(&open, "localhost", &report).await;
    at(&open, "runs.example.com", "GET /api/runs").await;
    at(&open, "runs.example.com", &report).await;
    let (_, log) = open.stop();
    for (line, host) in [
        (READER, "host=runs.example.com"),
        (UPDATE, "host=runs.example.com"),
    ] {
        let lines: Vec<&str> = log.lines().filter(|found| found.contains(line)).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(
            lines[0].contains("WARN") && lines[0].contains(host),
            "{log}"
        );
    }

    let mut command = Process::command(&["--listen", "127.0.0.1:0"]);
    command
        .env("WEBHOOK_TOKEN", "writer")
        .env("READ_TOKEN", "reader");
    let mut guarded = Process::start(command);
    let with_token = format!("{report}?token=writer");
    at(&guarded, "runs.example.com", &with_token).await;
    at(&guarded, "runs.example.com", "GET /api/runs").await;
    let (_, log) = guarded.stop();
    assert!(!log.contains(READER) && !log.contains(UPDATE), "{log}");
}
