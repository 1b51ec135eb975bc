//! What an update costs that arrives together with many others on one connection.

use std::fs;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Process, text, update_head, with_timeout};

const MIB: usize = 1024 * 1024;

/// The CPU time that a process has used, in the ticks that Linux counts, usually hundredths of a second.
fn ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.child.id())).unwrap();
    // The name of the program, in brackets, may hold spaces.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    [fields[11], fields[12]]
        .map(|field| field.parse::<u64>().unwrap())
        .iter()
        .sum()
}

/// The CPU time of 16 MiB of small updates, of which a client sends so many at once on each connection.
async fn cost(flags: &[&str], at_once: usize) -> u64 {
    let process = Process::serve(flags);
    let update = update_head("transfer-encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n";
    let last = update_head("connection: close\r\ncontent-length: 2") + "{}";
    let count = at_once / update.len();
    let updates = update.repeat(count) + &last;
    let before = ticks(&process);
    for _ in 0..16 * MIB / at_once {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        let (mut reading, mut writing) = connection.split();
        let mut responses = Vec::new();
        let (sent, read) = with_timeout(async {
            tokio::join!(
                writing.write_all(updates.as_bytes()),
                reading.read_to_end(&mut responses)
            )
        })
        .await;
        sent.unwrap();
        read.unwrap();
        assert_eq!(text(&responses).matches("HTTP/1.1 200 ").count(), count + 1);
    }
    ticks(&process) - before
}

#[tokio::test]
#[ignore = "measures CPU time; run it with: cargo test --release --test it -- --ignored --nocapture pipelined"]
async fn a_pipelined_update_costs_the_same_however_many_are_sent_and_large_headers_may_be() {
    let (mut few, mut many) = (u64::MAX, u64::MAX);
    // A busy machine makes some turns cost up to three times as much.
    for _ in 0..3 {
        few = few.min(cost(&[], 16 * 1024).await);
        many = many.min(cost(&["--max-header", "1MiB"], 4 * MIB).await);
    }
    println!("CPU of 16 MiB of updates: {few} ticks, 16 KiB at once; {many} ticks, 4 MiB at once");
    assert!(many < 3 * few, "{few}, {many}");
}
