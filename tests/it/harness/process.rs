//! The program as a process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    ops::{Deref, DerefMut},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use reqwest::{Client, Response};

use super::{wait, with_timeout};

/// A process that is killed with the test.
pub(crate) struct OwnChild(Child);

impl OwnChild {
    pub(crate) fn spawn(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Deref for OwnChild {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for OwnChild {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, serving on a port of its own.
pub(crate) struct Process {
    pub(crate) child: OwnChild,
    pub(crate) address: SocketAddr,
    /// The log up to the line that says it is ready.
    pub(crate) first_lines: String,
    /// The rest of the log.
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

    /// Starts a command that serves, and waits until it logs its address.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = OwnChild::spawn(command);
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

    /// Sends SIGTERM and waits for the end; returns the exit code and the rest of the log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.end()
    }

    /// Waits for the end; returns the exit code and the rest of the log.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    /// Sends SIGTERM and waits for the end, without reading the log; returns the exit code.
    pub(crate) async fn stop_unread(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut status = None;
        wait::until("it has ended", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap().code()
    }

    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = Client::new().post(self.url(path)).body(body);
        let request = request.header("content-type", "application/json");
        request.send().await.unwrap()
    }

    /// Waits until a line is among the metrics.
    pub(crate) async fn until_metric(&self, line: &str) {
        wait::until_metric(&Client::new(), self.address, line).await;
    }
}

/// Runs a command to its end.
pub(crate) async fn output(command: Command) -> Output {
    let mut command = tokio::process::Command::from(command);
    with_timeout(command.output()).await.unwrap()
}

/// Runs a command to its end, with this as its standard input; it has to succeed. Returns what it printed.
pub(crate) fn output_for(input: &str, mut command: Command) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{input}");
    text(&output.stdout).to_owned()
}

/// What a command printed.
pub(crate) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Whether this process may have so many files open. If not, the test is skipped and says so.
pub(crate) fn allow_open_files(count: u64) -> bool {
    let allowed = rlimit::increase_nofile_limit(count).unwrap();
    if allowed < count {
        println!("skipped: the system allows {allowed} open files, of {count}");
    }
    allowed >= count
}
