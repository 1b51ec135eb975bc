//! Fills a store quickly: requests are sent in batches, without waiting for each response.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::requests::{self, Template};

/// Requests in a batch.
const BATCH: u64 = 250;

/// Sends one update of each of `runs` runs.
pub(crate) fn fill(server: SocketAddr, runs: u64) {
    fill_with(server, &requests::progress(), runs);
}

/// Sends this update of each of `runs` runs.
pub(crate) fn fill_with(server: SocketAddr, update: &str, runs: u64) {
    let mut template = Template::update(update);
    let mut connections = [(); 2].map(|()| TcpStream::connect(server).unwrap());
    let mut in_flight = [0; 2];
    let mut batch = Vec::new();
    for (n, first) in (0..runs).step_by(BATCH as usize).enumerate() {
        batch.clear();
        let last = runs.min(first + BATCH);
        for run in first..last {
            template.fill(run, 0);
            batch.extend_from_slice(template.bytes());
        }
        // One connection is written to while the server works on the batch of the other.
        let (connection, in_flight) = (&mut connections[n % 2], &mut in_flight[n % 2]);
        read(connection, *in_flight);
        connection.write_all(&batch).unwrap();
        *in_flight = last - first;
    }
    for (connection, count) in connections.iter_mut().zip(in_flight) {
        read(connection, count);
    }
}

/// Reads `count` responses, each of which has to be a 200.
fn read(connection: &mut TcpStream, count: u64) {
    let mut responses = Vec::new();
    let mut piece = [0; 16 * 1024];
    while !(responses.ends_with(b"\r\n\r\n") && occurrences(&responses, b"\r\n\r\n") == count)
        && count > 0
    {
        let size = connection.read(&mut piece).unwrap();
        assert!(size > 0, "the server closed a connection");
        responses.extend_from_slice(&piece[..size]);
    }
    assert_eq!(occurrences(&responses, b"HTTP/1.1 200 "), count);
}

fn occurrences(bytes: &[u8], part: &[u8]) -> u64 {
    bytes
        .windows(part.len())
        .filter(|window| *window == part)
        .count() as u64
}
