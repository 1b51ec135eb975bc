//! A real server on a port of its own, and the ways to talk to it.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use comfydeploy_webhook::{config::Config, server};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;

pub(crate) const WEBHOOK: &str = "/api/webhooks/run-update";

/// A server inside the test. It stops with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    client: Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_flags(&[]).await
    }

    pub(crate) async fn with_flags(flags: &[&str]) -> Self {
        Self::with_tokens("", "", flags).await
    }

    /// With tokens for writing and for reading; with none where they are empty.
    pub(crate) async fn with_tokens(webhook: &str, read: &str, flags: &[&str]) -> Self {
        let mut config = Config::from_flags(flags).unwrap();
        config.webhook_tokens = webhook.parse().ok();
        config.read_tokens = read.parse().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = CancellationToken::new();
        tokio::spawn(async move { server::serve(listener, &config, never).await });
        Self {
            address,
            client: Client::new(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Response {
        self.request(Method::POST, WEBHOOK)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Posts an update that has to be accepted.
    pub(crate) async fn accept(&self, body: impl Into<reqwest::Body>) {
        let response = self.post(body).await;
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn run(&self, run_id: &str) -> Value {
        self.json(&format!("/api/runs/{run_id}")).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Waits until a line is among the metrics.
    pub(crate) async fn until_metric(&self, line: &str) {
        until_metric(&self.client, self.address, line).await;
    }

    /// Sends bytes as they are and reads until the server closes the connection.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut connection = self.connect().await;
        send(&mut connection, request).await;
        read_to_end(&mut connection).await
    }
}

/// Waits until a line is among the metrics of the service there.
async fn until_metric(client: &Client, address: SocketAddr, line: &str) {
    patiently(async {
        loop {
            let asked = client.get(format!("http://{address}/metrics")).send();
            let metrics = asked.await.unwrap().text().await.unwrap();
            if metrics.lines().any(|is| is == line) {
                break;
            }
        }
    })
    .await;
}

pub(crate) async fn send(connection: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    connection.write_all(bytes.as_ref()).await.unwrap();
}

/// A connection of a client that takes little until it reads.
pub(crate) async fn connect_deaf(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

/// Reads the status of an answer, and no more of it.
pub(crate) async fn read_status(connection: &mut TcpStream) -> String {
    let mut start = [0; 12];
    patiently(connection.read_exact(&mut start)).await.unwrap();
    let start = str::from_utf8(&start).unwrap();
    start.strip_prefix("HTTP/1.1 ").unwrap().to_owned()
}

/// The head of a request, with more headers of its own.
pub(crate) fn head(method: &str, path: &str, content_type: &str, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n{headers}\r\n\r\n"
    )
}

/// The head of an update.
pub(crate) fn update_head(headers: &str) -> String {
    head("POST", WEBHOOK, "application/json", headers)
}

pub(crate) async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    patiently(connection.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Waits for what has to happen, and fails where it would wait for ever.
pub(crate) async fn patiently<T>(event: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_mins(1), event).await;
    waited.expect("it has not happened after a minute")
}

/// Checks that an answer is a problem in the form of RFC 9457, and gives its body.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    let content_type = response.headers().get("content-type").cloned();
    assert_eq!(content_type.unwrap(), "application/problem+json");
    assert_eq!(response.status(), status);
    let title = response.status().canonical_reason().unwrap();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "about:blank", "{problem}");
    assert_eq!(problem["title"], title, "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
    problem
}

/// Checks that no update has left a trace.
pub(crate) async fn assert_nothing_stored(server: &Server) {
    assert_eq!(server.json("/api/runs").await["runs"], json!([]));
}

/// The id of the nth run of a test.
pub(crate) fn run_id(n: usize) -> String {
    format!("7c9e6679-7425-40de-944b-{n:012}")
}

/// Whether a program is there that a test needs. Without it the test is skipped, and says so.
pub(crate) fn is_installed(program: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("REQUIRE_EVERY_TEST").is_none(),
        "{program} is missing"
    );
    println!("skipped: {program} is not installed");
    false
}

pub(crate) fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap()
}

/// Every fixture whose name starts so, by name, with what it holds.
pub(crate) fn fixtures(prefix: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = std::fs::read_dir(root("tests/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix))
        .map(|name| (name.clone(), read(&format!("tests/fixtures/{name}"))))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no fixture is called {prefix}*");
    found
}

/// The program itself, serving on a port of its own. It is killed with the test.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    /// What it logs until it is ready.
    pub(crate) first_lines: String,
    /// What it goes on to log.
    pub(crate) log: Option<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_comfydeploy-webhook"));
        command.args(arguments).env_clear();
        command
    }

    pub(crate) fn serve(arguments: &[&str]) -> Self {
        Self::start(Self::command(
            &[&["--listen", "127.0.0.1:0"], arguments].concat(),
        ))
    }

    /// Starts a command that serves, and waits until it says where.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut first_lines = String::new();
        while !first_lines.contains("http://") {
            assert!(
                log.read_line(&mut first_lines).unwrap() > 0,
                "{first_lines}"
            );
        }
        let (_, url) = first_lines.split_once("http://").unwrap();
        let (address, _) = url.split_once('/').unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
            first_lines,
            log: Some(log),
        }
    }

    /// Tells it to stop and waits for that; gives its exit code and what it went on to log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it ends; gives its exit code and what it went on to log.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = Client::new().post(self.url(path)).body(body);
        let request = request.header("content-type", "application/json");
        request.send().await.unwrap()
    }

    pub(crate) async fn until_metric(&self, line: &str) {
        until_metric(&Client::new(), self.address, line).await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &command])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
