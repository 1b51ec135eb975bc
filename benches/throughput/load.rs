//! The load: connections with one request in flight each, and one thread that polls them in turn. It never
//! sleeps, because the server would have to spend time to wake it.
//!
//! A request costs the load a write, a read and a few reads that find nothing. Whether it keeps up shows in how
//! busy the bare server is, which the bench prints: 98 % and more on an idle machine. Only with large bodies it
//! is less; there the ratio of CPU says more.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::requests::Template;

/// The longest that a response may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How connections are used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Connections {
    /// This number of connections, all of which stay open.
    KeepAlive(usize),
    /// A new connection for each request, which the client closes, as ComfyDeploy does; this number at a time.
    ///
    /// Each leaves a port in TIME_WAIT. Linux uses such a port for the same server again after a second
    /// (`tcp_tw_reuse`, on by default for loopback), so there are ports for 28,000 requests a second. To close
    /// with a reset instead would leave none, but a server handles a reset unlike the end of a stream.
    PerRequest(usize),
}

/// When the next request is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as a connection is free.
    Full,
    /// At a fixed rate, whether or not there are responses to the requests before.
    PerSecond(u32),
}

/// Which run the next request is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    InTurn,
    Random,
}

/// What was done, and how long it took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    pub(crate) responses: u64,
    pub(crate) took: Duration,
    /// Nanoseconds from when a request was due to the end of its response. At full load it is due when it is sent.
    pub(crate) latencies: Vec<u64>,
}

impl Done {
    pub(crate) fn per_second(&self) -> f64 {
        self.responses as f64 / self.took.as_secs_f64()
    }
}

/// Requests of one kind to one server.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
    pub(crate) pace: Pace,
    order: Order,
    runs: u64,
    count: u64,
    /// When the next request is due, at a fixed pace.
    due: Instant,
    done: Done,
    buffer: Vec<u8>,
    yields: bool,
}

impl Load {
    /// Requests about `runs` runs, on eight connections that stay open.
    pub(crate) fn new(server: SocketAddr, request: &Template, runs: u64, order: Order) -> Self {
        Self::on(Connections::KeepAlive(8), server, request, runs, order)
    }

    pub(crate) fn on(
        connections: Connections,
        server: SocketAddr,
        request: &Template,
        runs: u64,
        order: Order,
    ) -> Self {
        let (count, stays_open) = match connections {
            Connections::KeepAlive(count) => (count, true),
            Connections::PerRequest(count) => (count, false),
        };
        let connection = |_| Connection::new(server, stays_open, request.clone());
        Self {
            connections: (0..count).map(connection).collect(),
            pace: Pace::Full,
            order,
            runs,
            count: 0,
            due: Instant::now(),
            done: Done::default(),
            buffer: vec![0; 64 * 1024],
            yields: thread::available_parallelism().is_ok_and(|cores| cores.get() < 2),
        }
    }

    /// Polls every connection once. Returns whether everything is done.
    fn step(&mut self, now: Instant, end: Instant) -> bool {
        let mut is_idle = true;
        for n in 0..self.connections.len() {
            let connection = &mut self.connections[n];
            if connection.is_busy() {
                connection.advance(&mut self.buffer);
                if !connection.is_busy() {
                    self.done.responses += 1;
                    let latency = connection.intended.elapsed().as_nanos();
                    self.done.latencies.push(latency as u64);
                }
            }
            if !self.connections[n].is_busy()
                && let Some(intended) = self.due(now, end)
            {
                let run = match self.order {
                    Order::InTurn => self.count % self.runs,
                    Order::Random => fastrand::u64(..self.runs),
                };
                self.count += 1;
                self.connections[n].begin(run, self.count, intended);
            }
            is_idle &= !self.connections[n].is_busy();
        }
        is_idle && now >= end
    }

    /// The time for which a request is due now, if one is.
    fn due(&mut self, now: Instant, end: Instant) -> Option<Instant> {
        match self.pace {
            Pace::Full => (now < end).then(Instant::now),
            Pace::PerSecond(rate) => {
                let due = self.due;
                // A request that was due before the end is sent, even if late.
                (due <= now && due < end).then(|| {
                    self.due += Duration::from_secs(1) / rate;
                    due
                })
            }
        }
    }
}

/// Sends requests for `time`, and then waits for the responses in flight.
pub(crate) fn drive<const N: usize>(mut loads: [&mut Load; N], time: Duration) -> [Done; N] {
    let begun = Instant::now();
    let end = begun + time;
    for load in &mut loads {
        load.due = begun;
    }
    let mut ended = [None; N];
    while ended.contains(&None) {
        let now = Instant::now();
        assert!(now < end + TIMEOUT, "a response does not arrive");
        for (load, ended) in loads.iter_mut().zip(&mut ended) {
            if load.step(now, end) && ended.is_none() {
                *ended = Some(begun.elapsed());
            }
            if load.yields {
                thread::yield_now();
            }
        }
    }
    let mut n = 0;
    loads.map(|load| {
        let took = ended[n].unwrap();
        n += 1;
        Done {
            took,
            ..std::mem::take(&mut load.done)
        }
    })
}

/// One connection at a time, with one request at a time.
#[derive(Debug)]
struct Connection {
    server: SocketAddr,
    stays_open: bool,
    /// None only between two requests, if it does not stay open.
    socket: Option<TcpStream>,
    request: Template,
    /// Bytes of the request that are still to be sent.
    unsent: usize,
    /// Bytes of the response that are still to arrive, once its head is there.
    missing: Option<Missing>,
    intended: Instant,
}

impl Connection {
    fn new(server: SocketAddr, stays_open: bool, request: Template) -> Self {
        Self {
            server,
            stays_open,
            socket: stays_open.then(|| connect(server)),
            request,
            unsent: 0,
            missing: Some(Missing::Bytes(0)),
            intended: Instant::now(),
        }
    }

    fn is_busy(&self) -> bool {
        self.missing != Some(Missing::Bytes(0))
    }

    fn begin(&mut self, run: u64, count: u64, intended: Instant) {
        self.request.fill(run, count);
        self.unsent = self.request.bytes().len();
        self.missing = None;
        self.intended = intended;
        self.send();
    }

    fn send(&mut self) {
        let request = self.request.bytes();
        let server = self.server;
        let socket = self.socket.get_or_insert_with(|| connect(server));
        match socket.write(&request[request.len() - self.unsent..]) {
            Ok(sent) => self.unsent -= sent,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }

    /// Sends or reads what is possible without waiting.
    fn advance(&mut self, buffer: &mut [u8]) {
        if self.unsent > 0 {
            self.send();
            return;
        }
        let socket = self.socket.as_mut().unwrap();
        let arrived = match socket.read(buffer) {
            Ok(0) => panic!("the server closed a connection"),
            Ok(size) => &buffer[..size],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        };
        self.missing = Some(match self.missing {
            None => missing_after(arrived),
            Some(Missing::Bytes(missing)) => Missing::Bytes(missing - arrived.len()),
            Some(Missing::LastChunk) => missing_of_chunks(arrived),
        });
        if !self.is_busy() && !self.stays_open {
            self.socket = None;
        }
    }
}

fn connect(server: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(server).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// What is still to arrive of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Bytes(usize),
    /// Its length is not known.
    LastChunk,
}

/// Checks the head of a response, and finds what is still to arrive of its body.
fn missing_after(arrived: &[u8]) -> Missing {
    let find = |part: &[u8]| {
        arrived
            .windows(part.len())
            .position(|window| window == part)
    };
    let shown = || String::from_utf8_lossy(arrived).into_owned();
    assert!(arrived.starts_with(b"HTTP/1.1 200 "), "{}", shown());
    let head = find(b"\r\n\r\n").expect("the head arrives in one piece") + 4;
    let Some(length) = find(b"\r\ncontent-length: ") else {
        assert!(
            find(b"\r\ntransfer-encoding: chunked").is_some(),
            "{}",
            shown()
        );
        return missing_of_chunks(arrived);
    };
    let digits = arrived[length + 18..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    Missing::Bytes((head + length) - arrived.len())
}

/// The server writes the last chunk at once, and there is room for all that has arrived: so it is not split.
fn missing_of_chunks(arrived: &[u8]) -> Missing {
    if arrived.ends_with(b"\r\n0\r\n\r\n") {
        Missing::Bytes(0)
    } else {
        Missing::LastChunk
    }
}
