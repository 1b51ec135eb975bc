//! Runs of sizes that leave gaps in memory, between which others do not fit.

use std::ops::Range;

use tokio::{net::TcpStream, task::JoinSet};

use super::{MIB, assert_within, flood};
use crate::harness::{Process, connect_not_reading, get, run_id, send, update_head};

/// `--max-bytes` by default.
const MAX_BYTES: usize = 256 * MIB;

/// `--max-in-flight` by default: once for bodies and for responses, and half of it for streams.
const IN_FLIGHT: usize = 48 * MIB * 5 / 2;

/// What the store counts for a run with one output beside its text.
const OVERHEAD: usize = 700;

/// Clients that send at once.
const CLIENTS: usize = 8;

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn outputs_of_all_sizes_stay_within_the_memory_limits_beside_clients_that_hang() {
    let process = Process::serve(&["--body-timeout", "1h", "--send-timeout", "1h"]);
    churn(&process, 0..40_000).await;
    for round in 1..=4 {
        let hanging = hanging(&process).await;
        churn(&process, round * 40_000..(round + 1) * 40_000).await;
        drop(hanging);
    }
    assert_within(
        &process,
        "200,000 runs with outputs of 5 KB (median), 11 half bodies of 4 MiB, 24 unread pages and 24 unread streams",
        MAX_BYTES + IN_FLIGHT,
    );
}

/// Many clients report runs that get four outputs, one after the other.
async fn churn(process: &Process, runs: Range<usize>) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let address = process.address;
        let updates = runs.len() / CLIENTS * 4;
        let first = runs.start + client;
        clients.spawn(async move {
            let mut random = fastrand::Rng::with_seed(first as u64);
            flood(address, 0..updates, |n| {
                let run = first + n / 4 * CLIENTS;
                with_output(run, n % 4, lognormal(&mut random))
            })
            .await;
        });
    }
    clients.join_all().await;
}

/// A size with a median of 5 KB.
fn lognormal(random: &mut fastrand::Rng) -> usize {
    // The sum of twelve is close to a normal distribution with a deviation of 1.
    let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive and small"
    )]
    let size = (5_000.0 * (1.3 * normal).exp()) as usize;
    size.min(MIB)
}

/// Clients that send half of a body, or do not read their response.
async fn hanging(process: &Process) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for _ in 0..11 {
        let mut connection = TcpStream::connect(process.address).await.unwrap();
        let half = update_head("content-length: 4194304") + &" ".repeat(5 * MIB / 2);
        send(&mut connection, half).await;
        connections.push(connection);
    }
    for path in ["/api/runs?limit=500", "/api/events"] {
        for _ in 0..24 {
            let mut connection = connect_not_reading(process.address).await;
            send(&mut connection, get(path)).await;
            connections.push(connection);
        }
    }
    connections
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn runs_between_which_no_larger_one_fits_stay_within_the_memory_limits() {
    let process = Process::serve(&[]);
    let mut filler = Filler::new(&process);
    let mut size = 4096;
    while size <= 2 * MIB {
        filler.fill(size).await;
        filler.keep_one_for_each(2 * size).await;
        size *= 2;
    }
    filler.fill(size).await;
    assert_within(
        &process,
        "runs of 4 KiB, one kept for each 8 KiB, runs of 8 KiB, one kept for each 16 KiB and so on",
        MAX_BYTES,
    );
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn runs_of_many_sizes_of_which_few_are_kept_stay_within_the_memory_limits() {
    let process = Process::serve(&["--max-runs", "1000000"]);
    let mut filler = Filler::new(&process);
    // An allocator with a place for each size keeps the place for the sake of one.
    let mut size = 400;
    while size <= 16 * 1024 {
        filler.fill(size).await;
        filler.keep_one_for_each(64 * 1024).await;
        size += size / 5;
    }
    assert_within(
        &process,
        "runs of 400 bytes, one kept for each 64 KiB, runs of 480 bytes, and so on",
        MAX_BYTES,
    );
}

/// Fills the store with runs of chosen sizes.
struct Filler<'a> {
    process: &'a Process,
    /// The runs that are kept: where an allocator that never moves anything puts each, its number and its size.
    kept: Vec<(usize, usize, usize)>,
    next_place: usize,
    next_number: usize,
}

impl<'a> Filler<'a> {
    fn new(process: &'a Process) -> Self {
        Self {
            process,
            kept: Vec::new(),
            next_place: 0,
            next_number: 0,
        }
    }

    /// Sends as many runs as there is room for beside those that are kept. All others are evicted.
    async fn fill(&mut self, size: usize) {
        let used: usize = self.kept.iter().map(|(_, _, size)| size + OVERHEAD).sum();
        let count = (MAX_BYTES - used) / (size + OVERHEAD);
        let first = self.next_number;
        self.next_number += count;
        flood(self.process.address, first..self.next_number, |n| {
            with_output(n, 0, size - 100)
        })
        .await;
        for number in first..self.next_number {
            self.kept.push((self.next_place, number, size));
            self.next_place += size;
        }
    }

    /// Updates one run for each `window` bytes of addresses, so that it outlives the others.
    async fn keep_one_for_each(&mut self, window: usize) {
        self.kept.dedup_by_key(|(place, _, _)| *place / window);
        let kept = &self.kept;
        flood(self.process.address, 0..kept.len(), |n| {
            format!(r#"{{"run_id":"{}"}}"#, run_id(kept[n].1))
        })
        .await;
    }
}

/// An update with an output of about this size.
fn with_output(run: usize, output: usize, size: usize) -> String {
    let (run_id, data) = (run_id(run), "x".repeat(size));
    format!(r#"{{"run_id":"{run_id}","outputs":[{{"id":{output},"data":"{data}"}}]}}"#)
}
