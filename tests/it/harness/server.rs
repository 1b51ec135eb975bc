//! A server in the test, on a port of its own.

use std::{net::SocketAddr, path::Path};

use comfydeploy_webhook::{
    config::{Config, DatabaseUrl},
    server,
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{WEBHOOK, raw, wait};

/// It stops with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    client: Client,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with_flags(&[]).await
    }

    pub(crate) async fn with_flags(flags: &[&str]) -> Self {
        Self::with_tokens("", "", flags).await
    }

    /// With tokens for the webhook and for reading; an empty one is none.
    pub(crate) async fn with_tokens(webhook: &str, read: &str, flags: &[&str]) -> Self {
        let mut config = Config::from_flags(flags).unwrap();
        config.webhook_tokens = webhook.parse().ok();
        config.read_tokens = read.parse().ok();
        Self::with_config(config).await
    }

    /// With a database in this file, once its runs are read.
    pub(crate) async fn with_database(file: &Path, flags: &[&str]) -> Self {
        let server = Self::reading(file, flags).await;
        server.until_ready().await;
        server
    }

    /// The same, but its runs are still being read.
    pub(crate) async fn reading(file: &Path, flags: &[&str]) -> Self {
        let mut config = Config::from_flags(flags).unwrap();
        config.database_url = Some(DatabaseUrl::Sqlite(file.to_owned()));
        Self::with_config(config).await
    }

    pub(crate) async fn until_ready(&self) {
        wait::until("it is ready", async || {
            self.get("/readyz").await.status() == 200
        })
        .await;
    }

    async fn with_config(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        let serving = async move {
            let served = server::serve(listener, &config, stopped).await;
            served.unwrap();
        };
        Self {
            address,
            client: Client::new(),
            shutdown,
            serving: tokio::spawn(serving),
        }
    }

    /// Shuts it down, as a signal does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        wait::with_timeout(self.serving).await.unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// A request that sends JSON to the webhook: an update with POST, its retry with GET.
    pub(crate) fn webhook(&self, method: Method, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(method, WEBHOOK)
            .header("content-type", "application/json")
            .body(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Response {
        self.webhook(Method::POST, body).send().await.unwrap()
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

    /// Sends bytes on a connection of their own and reads until the server closes it.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut connection = self.connect().await;
        raw::send(&mut connection, request).await;
        raw::read_to_end(&mut connection).await
    }

    /// The same, but the client ends its side of the connection after the bytes.
    pub(crate) async fn raw_cut_off(&self, request: impl AsRef<[u8]>) -> String {
        let mut connection = self.connect().await;
        raw::send(&mut connection, request).await;
        connection.shutdown().await.unwrap();
        raw::read_to_end(&mut connection).await
    }

    /// Waits until a line is among the metrics.
    pub(crate) async fn until_metric(&self, line: &str) {
        wait::until_metric(&self.client, self.address, line).await;
    }
}

/// Checks that a response is a problem in the form of RFC 9457, and returns its body.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    let content_type = response.headers().get("content-type").cloned();
    assert_eq!(content_type.unwrap(), "application/problem+json");
    assert_eq!(response.status(), status);
    let title = response.status().canonical_reason().unwrap();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "about:blank", "{problem}");
    assert_eq!(problem["title"], title, "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(!detail(&problem).is_empty(), "{problem}");
    problem
}

/// The text of a problem.
pub(crate) fn detail(problem: &Value) -> &str {
    problem["detail"].as_str().unwrap()
}

/// Checks that no update has left a trace.
pub(crate) async fn assert_nothing_stored(server: &Server) {
    assert_eq!(server.json("/api/runs").await["runs"], json!([]));
}
