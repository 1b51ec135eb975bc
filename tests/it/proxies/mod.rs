//! The service behind real proxies, with the configurations that the documentation shows.

mod caddy;
mod nginx;

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
};

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{
    OwnChild, SERVICE, Server, WEBHOOK, code_block, run_id, until, update, with_timeout,
};

/// The public name of the service in the configurations.
const NAME: &str = "runs.example.com";

/// The configuration in a document that holds `part`, of a proxy for this server.
fn configuration(document: &str, part: &str, server: &Server) -> String {
    let configuration = code_block(document, "", part);
    configuration.replace(SERVICE, &server.address.to_string())
}

/// A port that is free now.
async fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A proxy. It is killed with the test.
struct Proxy {
    child: OwnChild,
    address: SocketAddr,
    /// What comes before the paths of the service.
    prefix: &'static str,
}

impl Proxy {
    /// Starts a proxy, and waits until it listens on this port.
    async fn start(mut command: Command, port: u16) -> Self {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let described = format!("{command:?}");
        command.stdin(Stdio::null());
        let child = OwnChild::spawn(command);
        let mut proxy = Self {
            child,
            address,
            prefix: "",
        };
        until("the proxy listens", async || {
            let ended = proxy.child.try_wait().unwrap();
            assert!(ended.is_none(), "{described}: {ended:?}");
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        proxy
    }

    /// A request at the public name. A redirect is not followed, as ComfyDeploy loses the body there.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = Client::builder()
            .redirect(Policy::none())
            .resolve(NAME, self.address)
            .build()
            .unwrap();
        let Self {
            address, prefix, ..
        } = self;
        client.request(
            method,
            format!("http://{NAME}:{}{prefix}{path}", address.port()),
        )
    }

    async fn report(&self, method: Method, body: String) -> Response {
        let request = self
            .request(method, WEBHOOK)
            .basic_auth("hook", Some("hook"));
        let request = request.header("content-type", "application/json");
        with_timeout(request.body(body).send()).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.request(Method::GET, path).bearer_auth("reader");
        with_timeout(request.send()).await.unwrap()
    }

    async fn run(&self, run_id: &str) -> Value {
        self.get(&format!("/api/runs/{run_id}"))
            .await
            .json()
            .await
            .unwrap()
    }
}

/// A server whose webhook and whose readers need the tokens that a [`Proxy`] sends.
async fn server() -> Server {
    Server::with_tokens("hook", "reader", &[]).await
}

/// Checks that everything passes: updates, their retries with GET, the largest body, the largest run, and streams.
async fn assert_passes(proxy: &Proxy) {
    let accepted = proxy.report(Method::POST, update(1, "queued")).await;
    assert_eq!(accepted.status(), 200);
    let retried = proxy.report(Method::GET, update(1, "running")).await;
    assert_eq!(retried.status(), 200, "{}", retried.text().await.unwrap());
    assert_eq!(proxy.run(&run_id(1)).await["status"], "processing");
    let metrics = proxy.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("comfydeploy_webhook_update_retries_total 1\n"),
        "{metrics}"
    );

    let largest = body_of(4 << 20);
    let accepted = proxy.report(Method::POST, largest.clone()).await;
    assert_eq!(accepted.status(), 200);
    let sent: Value = serde_json::from_str(&largest).unwrap();
    assert_eq!(proxy.run(&run_id(2)).await["outputs"], sent["outputs"]);

    assert_streams(proxy).await;

    let mut wrong = proxy
        .request(Method::POST, WEBHOOK)
        .basic_auth("hook", Some("wrong"));
    wrong = wrong.body(update(3, "queued"));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
}

/// An update of the second run with a body of so many bytes.
fn body_of(size: usize) -> String {
    let body =
        |data: &str| json!({"run_id": run_id(2), "outputs": [{"id": 1, "data": data}]}).to_string();
    let body = body(&"x".repeat(size - body("").len()));
    assert_eq!(body.len(), size);
    body
}

/// Checks that each event arrives while the stream goes on.
async fn assert_streams(proxy: &Proxy) {
    let request = proxy.request(Method::GET, &format!("/api/runs/{}/events", run_id(1)));
    let request = request
        .bearer_auth("reader")
        .header("accept-encoding", "gzip");
    let mut events = with_timeout(request.send()).await.unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut received = String::new();
    for progress in [10, 20, 30] {
        let update = json!({"run_id": run_id(1), "status": "running", "progress": progress});
        let accepted = proxy.report(Method::POST, update.to_string()).await;
        assert_eq!(accepted.status(), 200);
        while !received.contains(&format!(r#""progress":{progress},"#)) {
            let more = with_timeout(events.chunk()).await.unwrap();
            received += str::from_utf8(&more.expect(&received)).unwrap();
        }
    }
}

/// Checks that the service sees the public name: there it shows nothing without a token.
async fn assert_keeps_the_name(proxy: &Proxy) {
    for path in ["/", "/api/runs", "/metrics"] {
        let response = proxy.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 403, "{path}");
    }
    assert_eq!(
        proxy
            .report(Method::POST, update(1, "queued"))
            .await
            .status(),
        200
    );
}
