//! Many runs at once: requests are sent without waiting for the answers to those before.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::requests::{self, Template};

/// Requests that are sent at a time.
const BATCH: u64 = 250;

/// Sends an update about each of so many runs.
pub(crate) fn fill(server: SocketAddr, runs: u64) {
    let mut template = Template::update(&requests::progress());
    let mut connections = [(); 2].map(|()| TcpStream::connect(server).unwrap());
    let mut on_their_way = [0; 2];
    let mut batch = Vec::new();
    for (n, first) in (0..runs).step_by(BATCH as usize).enumerate() {
        batch.clear();
        let last = runs.min(first + BATCH);
        for run in first..last {
            template.fill(run, 0);
            batch.extend_from_slice(template.bytes());
        }
        // While one is answered the next is written.
        let (connection, on_its_way) = (&mut connections[n % 2], &mut on_their_way[n % 2]);
        read(connection, *on_its_way);
        connection.write_all(&batch).unwrap();
        *on_its_way = last - first;
    }
    for (connection, count) in connections.iter_mut().zip(on_their_way) {
        read(connection, count);
    }
}

/// Reads so many answers, each of which has to be the one to an update that was taken.
fn read(connection: &mut TcpStream, count: u64) {
    let mut answers = Vec::new();
    let mut piece = [0; 16 * 1024];
    while !(answers.ends_with(b"\r\n\r\n") && occurrences(&answers, b"\r\n\r\n") == count)
        && count > 0
    {
        let size = connection.read(&mut piece).unwrap();
        assert!(size > 0, "the server closed a connection");
        answers.extend_from_slice(&piece[..size]);
    }
    assert_eq!(occurrences(&answers, b"HTTP/1.1 200 "), count);
}

fn occurrences(bytes: &[u8], part: &[u8]) -> u64 {
    bytes
        .windows(part.len())
        .filter(|window| *window == part)
        .count() as u64
}
