//! The load: connections that stay open, each with one request on its way, and one thread that looks at
//! them in turn. It does not sleep and is not woken, which would cost the server that wakes it.
//!
//! A request costs it a write, a read and a few reads in vain. That it keeps up shows in the share of its
//! core that the bare server is busy, which the bench prints: 98 % and more on a machine with nothing else to
//! do, and less only of large bodies, where the ratio of CPU says more.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{requests::Template, turns::Random};

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the next request is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as a connection is free.
    Full,
    /// So many a second, whether or not those before are answered.
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
    pub(crate) answers: u64,
    pub(crate) took: Duration,
    /// From when a request was to be sent to the end of its answer, in nanoseconds; of those at a fixed pace.
    pub(crate) latencies: Vec<u64>,
}

impl Done {
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
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
    random: Random,
    /// When the next is to be sent, at a fixed pace.
    due: Instant,
    done: Done,
    buffer: Vec<u8>,
    yields: bool,
}

impl Load {
    /// Requests about so many runs, on eight connections.
    pub(crate) fn new(server: SocketAddr, request: &Template, runs: u64, order: Order) -> Self {
        let connect = |_| Connection::new(server, request.clone());
        Self {
            connections: (0..8).map(connect).collect(),
            pace: Pace::Full,
            order,
            runs,
            count: 0,
            random: Random::new(),
            due: Instant::now(),
            done: Done::default(),
            buffer: vec![0; 64 * 1024],
            yields: thread::available_parallelism().is_ok_and(|cores| cores.get() < 2),
        }
    }

    /// Looks at every connection once; says whether there is nothing more to do.
    fn step(&mut self, now: Instant, end: Instant) -> bool {
        let mut is_idle = true;
        for n in 0..self.connections.len() {
            let connection = &mut self.connections[n];
            if connection.is_busy() {
                connection.advance(&mut self.buffer);
                if !connection.is_busy() {
                    self.done.answers += 1;
                    if matches!(self.pace, Pace::PerSecond(_)) {
                        let latency = connection.intended.elapsed().as_nanos();
                        self.done.latencies.push(latency as u64);
                    }
                }
            }
            if !self.connections[n].is_busy()
                && let Some(intended) = self.due(now, end)
            {
                let run = match self.order {
                    Order::InTurn => self.count % self.runs,
                    Order::Random => self.random.below(self.runs),
                };
                self.count += 1;
                self.connections[n].begin(run, self.count, intended);
            }
            is_idle &= !self.connections[n].is_busy();
        }
        is_idle && now >= end
    }

    /// When a request was to be sent that is due now.
    fn due(&mut self, now: Instant, end: Instant) -> Option<Instant> {
        match self.pace {
            Pace::Full => (now < end).then_some(now),
            Pace::PerSecond(rate) => {
                let due = self.due;
                // What was due before the end is sent even if that is late.
                (due <= now && due < end).then(|| {
                    self.due += Duration::from_secs(1) / rate;
                    due
                })
            }
        }
    }
}

/// Sends for so long, and then waits for the answers on their way.
pub(crate) fn drive<const N: usize>(mut loads: [&mut Load; N], time: Duration) -> [Done; N] {
    let begun = Instant::now();
    let end = begun + time;
    for load in &mut loads {
        load.due = begun;
    }
    let mut ended = [None; N];
    while ended.contains(&None) {
        let now = Instant::now();
        assert!(now < end + PATIENCE, "an answer does not come");
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

/// One connection.
#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    request: Template,
    /// Bytes of the request that are still to be sent.
    unsent: usize,
    /// Bytes of the answer that are still to come, once its head is there.
    missing: Option<usize>,
    intended: Instant,
}

impl Connection {
    fn new(server: SocketAddr, request: Template) -> Self {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            request,
            unsent: 0,
            missing: Some(0),
            intended: Instant::now(),
        }
    }

    fn is_busy(&self) -> bool {
        self.missing != Some(0)
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
        match self.socket.write(&request[request.len() - self.unsent..]) {
            Ok(sent) => self.unsent -= sent,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }

    /// Does what can be done now.
    fn advance(&mut self, buffer: &mut [u8]) {
        if self.unsent > 0 {
            self.send();
            return;
        }
        let arrived = match self.socket.read(buffer) {
            Ok(0) => panic!("the server closed a connection"),
            Ok(size) => &buffer[..size],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        };
        self.missing = match self.missing {
            None => Some(missing_after(arrived)),
            Some(missing) => Some(missing - arrived.len()),
        };
    }
}

/// Checks the head of an answer, and counts what of its body is still to come.
fn missing_after(arrived: &[u8]) -> usize {
    let find = |part: &[u8]| {
        arrived
            .windows(part.len())
            .position(|window| window == part)
    };
    let shown = || String::from_utf8_lossy(arrived).into_owned();
    assert!(arrived.starts_with(b"HTTP/1.1 200 "), "{}", shown());
    let head = find(b"\r\n\r\n").expect("a head comes in one piece here") + 4;
    let length = find(b"\r\ncontent-length: ").unwrap_or_else(|| panic!("{}", shown()));
    let digits = arrived[length + 18..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    (head + length) - arrived.len()
}
