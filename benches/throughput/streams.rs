//! Subscribers: a process that opens streams and reads them. It is separate so that the cost of reading is not
//! counted as a cost of serving.

use std::{
    env,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use crate::{machine, requests::Template};

/// The argument that makes the bench read streams. The address, the number of streams and their path follow;
/// `#` in the path is replaced by the number of the stream.
pub(crate) const READ: &str = "--read-streams";

/// A process that reads streams. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Readers(Child);

impl Readers {
    /// Opens `count` streams, and waits until all are open.
    pub(crate) fn start(server: SocketAddr, count: usize, path: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([READ, &server.to_string(), &count.to_string(), path])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "open\n");
        Self(child)
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        machine::cpu(self.0.id())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads until it is killed, or the server ends.
pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut next = || arguments.next().unwrap();
    let (server, count, path) = (next(), next().parse::<u64>().unwrap(), next());
    rlimit::increase_nofile_limit(count + 64).unwrap();
    let open = |n| {
        let mut stream = TcpStream::connect(&server).unwrap();
        let request = Template::get(&path.replace('#', &format!("{n:012}")));
        stream.write_all(request.bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut streams: Vec<_> = (0..count).map(open).collect();
    println!("open");
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut is_quiet = true;
        for stream in &mut streams {
            match stream.read(&mut buffer) {
                Ok(0) => return ExitCode::SUCCESS,
                Ok(_) => is_quiet = false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
        // Polling many quiet streams more often would take time from the load.
        thread::sleep(Duration::from_millis(if is_quiet { 200 } else { 5 }));
    }
}
