//! Throughput and latency of updates, beside a bare axum server; and the memory for a run.

use std::time::Duration;

use crate::{
    Plan,
    fill::fill,
    load::{Connections, Load, Order, Pace, drive},
    machine::Cores,
    report::{Table, latency, title, turns_head, turns_row},
    requests::{self, Template},
    servers::Server,
    turns::{Side, Turns, alternate},
};

/// Requests a second that are far from full load.
pub(crate) const MODERATE: u32 = 2_000;

const RUNS: u64 = 1_000;

/// Runs that are stored to measure the memory for one.
const STORED: u64 = 90_000;

pub(crate) fn measure(plan: Plan, cores: &Cores) {
    let turns = Turns {
        pairs: plan.of(300, 10),
        length: Duration::from_millis(10),
    };
    title("Updates: the service beside a bare axum server");
    full_load(turns, cores);
    println!();
    several_threads(turns, cores);
    println!();
    moderate_load(plan, cores);
    println!();
    memory(plan, cores);
}

fn full_load(turns: Turns, cores: &Cores) {
    let service = Server::service(cores, &[]);
    let [bare, other_bare] = [(); 2].map(|()| Server::bare(cores));
    let mut table = Table::new(turns_head("full load", "service", "bare"));
    let mut row = |name: &str, servers: [&Server; 2], connections, body: &str| {
        let mut sides = servers.map(|server| side(server, connections, body));
        let name = format!("{name} ({} bytes)", body.len());
        table.row(turns_row(&name, &alternate(&mut sides, turns)));
    };
    let servers = [&service, &bare];
    row(
        "a new connection for each update, as ComfyDeploy sends: progress",
        servers,
        Connections::PerRequest(8),
        &requests::progress(),
    );
    for (open, body, name) in [
        (8, requests::progress(), "progress"),
        (8, requests::closing(), "closing, one image"),
        (8, requests::with_outputs(50), "50 KB of outputs"),
        (64, requests::progress(), "progress"),
        (64, requests::closing(), "closing, one image"),
    ] {
        let name = format!("connections that stay open, {open}: {name}");
        row(&name, servers, Connections::KeepAlive(open), &body);
    }
    // How far the ratio is from 1 where there is no difference.
    let servers = [&other_bare, &bare];
    for (connections, name) in [
        (Connections::PerRequest(8), "a new connection for each"),
        (Connections::KeepAlive(8), "connections that stay open, 8"),
    ] {
        let name = format!("bare beside bare, {name}: progress");
        row(&name, servers, connections, &requests::progress());
    }
    table.print();
}

/// The same with two threads each, as a server has that uses more than one core. Here both threads share one
/// core, so work that they pass to each other counts twice.
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
        let mut sides =
            [&service, &bare].map(|server| side(server, Connections::KeepAlive(8), &body));
        table.row(turns_row(name, &alternate(&mut sides, turns)));
    }
    table.print();
}

/// Latency at a rate that both servers manage with ease.
fn moderate_load(plan: Plan, cores: &Cores) {
    let servers = [Server::service(cores, &[]), Server::bare(cores)];
    let turns = Turns {
        pairs: plan.of(30, 2),
        length: Duration::from_millis(100),
    };
    let mut table = Table::new(["2,000 a second: latency µs, p50 / p99", "service", "bare"]);
    for (name, body) in [
        ("progress", requests::progress()),
        ("closing, one image", requests::closing()),
        ("50 KB of outputs", requests::with_outputs(50)),
    ] {
        let mut sides = servers.each_ref().map(|server| {
            let mut side = side(server, Connections::KeepAlive(8), &body);
            side.load.pace = Pace::PerSecond(MODERATE);
            side
        });
        let outcomes = alternate(&mut sides, turns);
        let [service, bare] = outcomes.each_ref().map(latency);
        table.row([format!("{name} ({} bytes)", body.len()), service, bare]);
    }
    table.print();
}

fn side<'s>(server: &'s Server, connections: Connections, body: &str) -> Side<'s> {
    let template = Template::update(body);
    let mut load = Load::on(connections, server.address, &template, RUNS, Order::InTurn);
    // So that every run is known, and everything that is slow only once has been done.
    drive([&mut load], Duration::from_millis(200));
    Side { server, load }
}

/// The memory for a run that has received only progress.
fn memory(plan: Plan, cores: &Cores) {
    let service = Server::service(cores, &[]);
    // More than the changes that the service keeps, so that these take their memory before the runs do.
    for _ in 0..70 {
        fill(service.address, RUNS);
    }
    let before = service.resident();
    let stored = plan.of(STORED, STORED / 10);
    fill(service.address, stored);
    let after = service.resident();
    if let (Some(before), Some(after)) = (before, after) {
        println!(
            "Memory: {} bytes for each of {stored} runs that received only progress; 18 of them are its live \
             status.",
            after.saturating_sub(before) / (stored - RUNS)
        );
    }
}
