//! The process that controls a browser, such as chromedriver.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;

use crate::harness::root;

/// The browser exits when this is dropped.
pub(super) struct Driver {
    child: Child,
    address: String,
    session: Option<String>,
    /// An empty folder for the browser's files.
    folder: PathBuf,
}

impl Driver {
    /// A new folder for one browser.
    pub(super) fn new_folder() -> PathBuf {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let n = STARTED.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let folder = format!("{}/browser-{process}-{n}", env!("CARGO_TARGET_TMPDIR"));
        let folder = root(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Starts a driver that has to say on which port it listens: after this text.
    pub(super) fn start(mut command: Command, says_port_after: &str, folder: PathBuf) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = output.by_ref().lines().find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once(says_port_after)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // A driver that cannot write to its output exits.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Self {
            child,
            address: format!("127.0.0.1:{}", port.unwrap()),
            session: None,
            folder,
        }
    }

    /// Starts the browser.
    pub(super) async fn connect(&mut self, capabilities: &Value) -> Client {
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://{}", self.address))
            .await
            .unwrap();
        self.session = client.session_id().await.unwrap();
        client
    }

    /// Closes the browser, so that it writes nothing more into its folder.
    fn end_session(&self) -> io::Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let mut connection = TcpStream::connect(&self.address)?;
        connection.set_read_timeout(Some(Duration::from_secs(30)))?;
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
        let _ = fs::remove_dir_all(&self.folder);
    }
}
