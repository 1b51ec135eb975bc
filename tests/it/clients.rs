//! Clients of the streams in other languages: the examples of the documents, and a proxy that compresses.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt as _, stream};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::spawn_blocking};

use crate::{
    browser::with_browser,
    harness::{
        OPERATIONS, README, SERVICE, Server, code_block, code_blocks, has_node_packages,
        output_for, python_with, root, run_id, update, with_timeout,
    },
};

#[test]
fn every_example_of_the_documents_in_these_languages_is_run_by_a_test() {
    // Those of the README that queue a run are run by the tests of the page, which shows them, too.
    for (document, language, tests) in [
        (README, "js", 3),
        (README, "python", 1),
        (OPERATIONS, "js", 1),
        (OPERATIONS, "ts", 1),
        (OPERATIONS, "python", 1),
    ] {
        let examples = code_blocks(document, language).len();
        assert_eq!(examples, tests, "{document}: {language}");
    }
}

/// Serves a stream of a run that first fails, then dies without a sign, and then ends.
#[derive(Clone, Default)]
struct Unreliable {
    /// The `Last-Event-ID` of each request.
    last_event_ids: Arc<Mutex<Vec<String>>>,
}

impl Unreliable {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let respond = async |State(state): State<Self>, headers: HeaderMap| state.respond(&headers);
        let router = Router::new()
            .route("/", get(async || "a page"))
            .route("/api/runs/{run_id}/events", get(respond))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn respond(&self, headers: &HeaderMap) -> Response {
        let last = headers.get("last-event-id");
        let last = last.map_or("", |last| last.to_str().unwrap()).to_owned();
        let requests = {
            let mut ids = self.last_event_ids.lock().unwrap();
            ids.push(last);
            ids.len()
        };
        let queued = "retry: 1000\nid: 1\ndata: {\"status\":\"queued\",\"progress\":null}\n\n";
        let completed = "id: 2\ndata: {\"status\":\"completed\",\"progress\":98}\n\n\
                         id: end\nevent: end\ndata: {}\n\n";
        let body = match requests {
            1 => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            2 => {
                let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(queued))]);
                Body::from_stream(first.chain(stream::pending()))
            }
            _ => Body::from(completed),
        };
        ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
    }

    fn last_event_ids(&self) -> Vec<String> {
        self.last_event_ids.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_event_source_of_the_documents_survives_a_503_and_a_dead_connection_and_stops_at_the_end()
 {
    with_browser(async |browser| {
        let server = Unreliable::default();
        let address = server.start().await;
        browser.open(&format!("http://{address}/")).await;
        let example = code_block(OPERATIONS, "js", "new EventSource").replace(&format!("http://{SERVICE}"), "");
        // With timers that the test fires.
        browser
            .run(&format!(
                "window.shown = [];
                 window.fire = () => {{ const {{ f }} = timer; timer = null; f(); }};
                 const show = (run) => shown.push(run.status);
                 const runId = {:?};
                 const clearTimeout = (cleared) => {{ if (window.timer === cleared) window.timer = null; }};
                 const setTimeout = (f, ms) => window.timer = {{ f, ms }};
                 {example}",
                run_id(1)
            ))
            .await;
        browser.wait_until("timer?.ms === 3000").await;
        assert_eq!(browser.evaluate("shown").await, json!([]), "after the 503");
        browser.run("fire()").await;
        browser.wait_until("shown.length === 1").await;
        assert_eq!(browser.evaluate("timer.ms").await, 45_000);
        // The connection is dead.
        browser.run("fire()").await;
        browser.wait_until("timer === null").await;
        assert_eq!(
            browser.evaluate("shown").await,
            json!(["queued", "completed"])
        );
        assert_eq!(server.last_event_ids().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn the_readmes_event_source_shows_a_run_until_it_is_over() {
    with_browser(async |browser| {
        let server = Server::start().await;
        let service = format!("http://{}", server.address);
        server.accept(update(1, "running")).await;
        browser.open(&format!("{service}/")).await;
        let example = code_block(README, "js", "new EventSource")
            .replace(SERVICE, &server.address.to_string());
        browser
            .run(&format!(
                "window.shown = [];
                 const show = (run) => shown.push(run.status);
                 const runId = {:?};
                 {example}
                 window.events = events;",
                run_id(1)
            ))
            .await;
        browser.wait_until("shown.length === 1").await;
        server.accept(update(1, "success")).await;
        browser
            .wait_until("events.readyState === EventSource.CLOSED")
            .await;
        assert_eq!(
            browser.evaluate("shown").await,
            json!(["processing", "completed"])
        );
    })
    .await;
}

#[tokio::test]
async fn the_python_of_the_documents_survives_a_503_and_a_dead_connection_and_stops_at_the_end() {
    let Some(mut python) = python_with("httpx_sse") else {
        return;
    };
    let server = Unreliable::default();
    let address = server.start().await;
    let example = code_block(OPERATIONS, "python", "httpx_sse");
    assert!(example.contains("read=45"), "{example}");
    let example = example
        .replace(SERVICE, &address.to_string())
        .replace("read=45", "read=2");
    let script = format!(
        "import time\nwaits = []\ntime.sleep = waits.append\nrun_id = {:?}\n{example}\nprint(waits)",
        run_id(1)
    );
    python.arg("-");
    let printed = printed_by(python, script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines, ["queued None", "completed 98", "[1, 1]"]);
    assert_eq!(server.last_event_ids(), ["", "", "1"]);
}

/// What a command prints that gets this as its standard input, while the test serves what it asks for.
async fn printed_by(command: Command, input: String) -> String {
    let printed = spawn_blocking(move || output_for(&input, command));
    with_timeout(printed).await.unwrap()
}

/// A command that runs a script of `tests/clients`.
fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(root("tests/clients").join(script));
    node
}

#[tokio::test]
async fn the_next_route_of_the_documents_passes_the_stream_on_and_keeps_the_token() {
    if !has_node_packages() {
        return;
    }
    let server = Server::with_tokens("", "reader", &[]).await;
    server.accept(update(1, "running")).await;
    let mut node = node("next.mjs");
    node.env("RUNS_URL", format!("http://{}", server.address))
        .env("READ_TOKEN", "reader")
        .env("RUN_ID", run_id(1));
    let printed = printed_by(
        node,
        code_block(OPERATIONS, "ts", "export async function GET"),
    )
    .await;
    assert_eq!(printed, "passed\n");
}

#[tokio::test]
async fn the_readmes_fetch_shows_the_outputs_and_says_why_there_are_none() {
    if !has_node_packages() {
        return;
    }
    let server = Server::start().await;
    let outputs = json!([{ "id": "out-1" }]);
    let body = json!({ "run_id": run_id(1), "status": "completed", "outputs": outputs });
    server.accept(body.to_string()).await;
    let example = code_block(README, "js", "await fetch");
    assert!(example.contains("wait=60"), "{example}");
    let example = example
        .replace(SERVICE, &server.address.to_string())
        .replace("wait=60", "wait=1");
    for (n, expected) in [(1, outputs), (2, Value::Null)] {
        let script = format!(
            "const runId = {:?};
             let result = null;
             const show = (outputs) => {{ result = outputs; }};
             try {{ {example} }} catch (error) {{ console.error(error.message); }}
             console.log(JSON.stringify(result));",
            run_id(n)
        );
        let mut node = Command::new("node");
        node.args(["--input-type=module", "-"]);
        let printed = printed_by(node, script).await;
        let shown: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(shown, expected, "{n}");
    }
}

#[tokio::test]
async fn events_pass_at_once_through_a_proxy_that_compresses() {
    if !has_node_packages() {
        return;
    }
    let server = Server::start().await;
    let mut node = node("compression.mjs");
    node.env("RUNS_URL", format!("http://{}", server.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    // It ends with its standard input.
    let mut proxy = node.spawn().unwrap();
    let mut address = String::new();
    let mut stdout = BufReader::new(proxy.stdout.take().unwrap());
    stdout.read_line(&mut address).unwrap();
    let address = address.trim();
    let get = |path| {
        let request = Client::new().get(format!("{address}{path}"));
        request.header("accept-encoding", "gzip").send()
    };
    let list = with_timeout(get("/openapi.json")).await.unwrap();
    assert_eq!(
        list.headers()["content-encoding"],
        "gzip",
        "it does compress"
    );
    let mut events = with_timeout(get("/api/events")).await.unwrap();
    let mut received = String::new();
    while !received.contains("event: live\n") {
        let more = with_timeout(events.chunk()).await.unwrap().unwrap();
        received += str::from_utf8(&more).unwrap();
    }
    drop(proxy.stdin.take());
    with_timeout(spawn_blocking(move || proxy.wait()))
        .await
        .unwrap()
        .unwrap();
}
