//! The servers that are measured, each in a process of its own.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, routing::post};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::machine::{self, Cores, Written};

/// The argument that makes the bench serve as the bare server.
pub(crate) const BARE: &str = "--serve-bare";

/// The path of updates.
pub(crate) const WEBHOOK: &str = "/api/webhooks/run-update";

/// The service.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_comfydeploy-webhook");

/// A server. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    // Kept open: kept so that its pipe stays open.
    _log: BufReader<ChildStdout>,
}

impl Server {
    /// The service, with one thread.
    pub(crate) fn service(cores: &Cores, flags: &[&str]) -> Self {
        Self::service_on(1, cores, flags)
    }

    /// The service, with `threads` threads.
    pub(crate) fn service_on(threads: usize, cores: &Cores, flags: &[&str]) -> Self {
        let threads = threads.to_string();
        let always = ["--listen", "127.0.0.1:0", "--threads", &threads];
        Self::start(cores.server(PROGRAM).args(always).args(flags))
    }

    /// The least that axum can do: it reads the body and responds with 200.
    pub(crate) fn bare(cores: &Cores) -> Self {
        Self::bare_on(1, cores)
    }

    /// The same with `threads` threads, on the runtime that axum users have by default.
    pub(crate) fn bare_on(threads: usize, cores: &Cores) -> Self {
        let bench = env::current_exe().unwrap();
        let mut command = cores.server(bench.to_str().unwrap());
        command.env("TOKIO_WORKER_THREADS", threads.to_string());
        Self::start(command.arg(BARE))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut lines = String::new();
        while !lines.contains("http://") {
            assert!(log.read_line(&mut lines).unwrap() > 0, "{lines}");
        }
        let (_, url) = lines.split_once("http://").unwrap();
        let (address, _) = url.split_once('/').unwrap();
        Self {
            child,
            address: address.parse().unwrap(),
            _log: log,
        }
    }

    /// Its CPU time.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        machine::cpu(self.child.id())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> Option<u64> {
        machine::resident(self.child.id())
    }

    /// The CPU time of its threads of this name.
    pub(crate) fn cpu_of(&self, thread: &str) -> Option<Duration> {
        machine::cpu_of(self.child.id(), |name| name == thread)
    }

    /// What it has written.
    pub(crate) fn written(&self) -> Option<Written> {
        machine::written(self.child.id())
    }

    /// The text of its metrics.
    pub(crate) fn metrics(&self) -> String {
        let mut connection = TcpStream::connect(self.address).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).unwrap();
        io::read_to_string(connection).unwrap()
    }

    /// Waits until it uses next to no CPU time, at most 5 s.
    pub(crate) fn until_quiet(&self) {
        const INTERVAL: Duration = Duration::from_millis(20);
        let begun = Instant::now();
        let mut before = self.cpu();
        loop {
            std::thread::sleep(INTERVAL);
            let now = self.cpu();
            let used = machine::since(before, now);
            if used.is_none_or(|used| used < INTERVAL / 20) || begun.elapsed().as_secs() > 5 {
                break;
            }
            before = now;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves as the bare server, until it is killed.
pub(crate) fn serve_bare() -> ExitCode {
    Runtime::new().unwrap().block_on(async {
        let router = Router::new().route(WEBHOOK, post(async |_: Bytes| ()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}/", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
    ExitCode::SUCCESS
}
