//! How much less does the service take in than a bare server, and how much longer does it need?

use std::time::Duration;

use crate::{
    Plan,
    fill::fill,
    load::{Load, Order, Pace, drive},
    machine::Cores,
    report::{Table, latency, title, turns_head, turns_row},
    requests::{self, Template},
    servers::Server,
    turns::{Side, Turns, alternate},
};

/// Requests a second that are no load to speak of.
pub(crate) const MODERATE: u32 = 2_000;

const RUNS: u64 = 1_000;

/// Runs that are stored to see what one costs.
const STORED: u64 = 90_000;

pub(crate) fn ask(plan: Plan, cores: &Cores) {
    let service = Server::service(cores, &[]);
    let bare = Server::bare(cores);
    let other_bare = Server::bare(cores);
    let turns = Turns {
        pairs: plan.of(300, 10),
        length: Duration::from_millis(10),
    };
    let slow_turns = Turns {
        pairs: plan.of(30, 2),
        length: Duration::from_millis(100),
    };

    title("Updates: the service beside a bare axum server");
    let mut table = Table::new(turns_head("8 connections, full load", "service", "bare"));
    let mut slow = Table::new(["2,000 a second: latency µs, p50 / p99", "service", "bare"]);
    for (name, body) in [
        ("progress", requests::progress()),
        ("closing, one image", requests::closing()),
        ("50 KB of outputs", requests::with_outputs(50)),
    ] {
        let name = format!("{name} ({} bytes)", body.len());
        let mut sides = [&service, &bare].map(|server| side(server, &body));
        table.row(turns_row(&name, &alternate(&mut sides, turns)));
        for side in &mut sides {
            side.load.pace = Pace::PerSecond(MODERATE);
        }
        let outcomes = alternate(&mut sides, slow_turns);
        slow.row([name, latency(&outcomes[0]), latency(&outcomes[1])]);
    }
    // What there is of difference where there is none to be found.
    let mut sides = [&other_bare, &bare].map(|server| side(server, &requests::progress()));
    table.row(turns_row(
        "bare beside bare: progress",
        &alternate(&mut sides, turns),
    ));
    table.print();
    println!();
    several_threads(turns, cores);
    println!();
    slow.print();
    println!();
    memory(plan, cores);
}

/// The same where each has two threads, which it takes to use more than one core. Here they share one, so
/// what they hand each other counts twice.
fn several_threads(turns: Turns, cores: &Cores) {
    let (service, bare) = (Server::service_on(2, cores, &[]), Server::bare_on(2, cores));
    let mut table = Table::new(turns_head(
        "two threads each, on one core",
        "service",
        "bare",
    ));
    for (name, body) in [
        ("progress", requests::progress()),
        ("closing, one image", requests::closing()),
    ] {
        let mut sides = [&service, &bare].map(|server| side(server, &body));
        table.row(turns_row(name, &alternate(&mut sides, turns)));
    }
    table.print();
}

fn side<'s>(server: &'s Server, body: &str) -> Side<'s> {
    let mut load = Load::new(server.address, &Template::update(body), RUNS, Order::InTurn);
    // Every run is known, and what is slow only once is over.
    drive([&mut load], Duration::from_millis(200));
    Side { server, load }
}

/// What a run takes of which only progress was heard.
fn memory(plan: Plan, cores: &Cores) {
    let service = Server::service(cores, &[]);
    // More than the changes that the service remembers, so that those are there before the runs are.
    for _ in 0..70 {
        fill(service.address, RUNS);
    }
    let before = service.resident();
    let stored = plan.of(STORED, STORED / 10);
    fill(service.address, stored);
    let after = service.resident();
    if let (Some(before), Some(after)) = (before, after) {
        println!(
            "Memory: {} bytes for each of {stored} runs of which only progress was heard; 18 of them are \
             what arrived, its live status.",
            after.saturating_sub(before) / (stored - RUNS)
        );
    }
}
