//! A headless browser, for the tests of the live page.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::harness::{is_installed, root, with_timeout};

/// For running anywhere, without network requests of the browser's own.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // It exits with its driver, even if that is killed.
    "--remote-debugging-pipe",
];

/// Runs a test in a browser of its own. Where no browser is installed, the test is skipped and says so.
pub(crate) async fn with_browser(test: impl AsyncFnOnce(&Browser)) {
    if is_installed("chromedriver") && is_installed("chromium") {
        test(&Browser::start().await).await;
    }
}

pub(crate) struct Browser {
    pub(crate) client: Client,
    /// Closes the browser when it is dropped.
    _driver: Driver,
}

impl Browser {
    async fn start() -> Self {
        let mut driver = Driver::start();
        let flags = FLAGS.map(str::to_owned).into_iter();
        let profile = format!("--user-data-dir={}", driver.profile.display());
        let capabilities = json!({
            "goog:chromeOptions": { "args": flags.chain([profile]).collect::<Vec<_>>() },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://{}", driver.address))
            .await
            .unwrap();
        driver.session = client.session_id().await.unwrap();
        Self {
            client,
            _driver: driver,
        }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The value of an expression in the page.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, vec![]).await.unwrap()
    }

    pub(crate) async fn run(&self, script: &str) {
        self.client.execute(script, vec![]).await.unwrap();
    }

    /// Waits until an expression in the page is true.
    pub(crate) async fn wait_until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => ({expression}) ? done() : setTimeout(look, 10);
             look();"
        );
        if let Err(error) = with_timeout(self.client.execute_async(&script, vec![])).await {
            let page = self
                .evaluate("document.body.innerText.slice(0, 2000)")
                .await;
            panic!("{expression}: {error}\n{}", page.as_str().unwrap());
        }
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(Duration::from_mins(1));
        found
            .for_element(Locator::Css(selector))
            .await
            .expect(selector)
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.expect(selector);
    }

    /// Presses a key in the focused element.
    pub(crate) async fn press(&self, key: fantoccini::key::Key) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(&key.to_string()).await.unwrap();
    }

    /// Gives the page the screen of a phone.
    pub(crate) async fn emulate_phone(&self) {
        let screen = json!({ "width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": true });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": screen });
        let extension = Extension("goog/cdp/execute", command);
        self.client.issue_cmd(extension).await.unwrap();
    }

    /// The messages in the console since the last call.
    pub(crate) async fn console_messages(&self) -> Vec<String> {
        let extension = Extension("se/log", json!({ "type": "browser" }));
        let entries = self.client.issue_cmd(extension).await.unwrap();
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn assert_no_console_errors(&self) {
        assert_eq!(self.console_messages().await, Vec::<String>::new());
    }
}

/// A command that only chromedriver has: its path and its body.
#[derive(Debug)]
struct Extension(&'static str, Value);

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &Url,
        session: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

/// The process that controls the browser.
struct Driver {
    child: Child,
    address: String,
    session: Option<String>,
    profile: PathBuf,
}

impl Driver {
    fn start() -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let n = STARTED.fetch_add(1, Ordering::Relaxed);
        let profile = format!(
            "{}/browser-{}-{n}",
            env!("CARGO_TARGET_TMPDIR"),
            std::process::id()
        );
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        Self {
            child,
            address: format!("127.0.0.1:{}", port.unwrap()),
            session: None,
            profile: root(&profile),
        }
    }

    /// Closes the browser, so that it writes nothing more into its profile.
    fn end_session(&self) -> std::io::Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        let address = &self.address;
        write!(
            connection,
            "DELETE /session/{session} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )?;
        // The response comes after the browser has exited; the connection stays open.
        connection.read_exact(&mut [0])
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Both may have exited already.
        let _ = self.end_session();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
