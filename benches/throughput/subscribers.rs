//! How much subscribers slow down updates.

use std::time::Duration;

use crate::{
    Plan,
    load::{Load, Order, Pace, drive},
    machine::{Cores, since},
    report::{Table, both, latency, shown, title},
    requests::{self, Template},
    servers::Server,
    streams::Readers,
    turns::{Outcome, Ratio, Side, alternate_with},
    updates::MODERATE,
};

const FLAGS: [&str; 4] = ["--max-connections", "4096", "--max-subscribers", "2000"];
const RUNS: u64 = 1_000;

/// Long enough that a stream has used up the burst that its rate limit allows.
const TURN: Duration = Duration::from_secs(1);

pub(crate) fn measure(plan: Plan, cores: &Cores) {
    title("Subscribers: a service with subscribers beside one without");
    let mut table = Table::new([
        "progress, subscribers",
        "pace",
        "with",
        "without",
        "ratio",
        "blocks",
        "CPU µs each",
        "CPU µs of readers",
        "µs p50 / p99",
        "without",
    ]);
    for (name, count, path) in [
        // Runs that are never updated: each stream waits, and is sent only heartbeats.
        (
            "1,000 idle, of a run each",
            1_000,
            "/api/runs/00000000-0000-4000-8000-#/events",
        ),
        // Every update wakes them, but none matches.
        (
            "100 of all cancelled runs",
            100,
            "/api/events?status=cancelled",
        ),
        // Sent every update, as far as their rate limit allows.
        ("100 active, of all runs", 100, "/api/events?limit=0"),
    ] {
        let count = plan.of(count, count / 10);
        let watched = Server::service(cores, &FLAGS);
        let unwatched = Server::service(cores, &FLAGS);
        let readers = Readers::start(watched.address, count, path);
        let template = Template::update(&requests::progress());
        let mut sides = [&watched, &unwatched].map(|server| {
            let mut load = Load::new(server.address, &template, RUNS, Order::InTurn);
            drive([&mut load], Duration::from_millis(200));
            server.until_quiet();
            Side { server, load }
        });
        for pace in [Pace::Full, Pace::PerSecond(MODERATE)] {
            for side in &mut sides {
                side.load.pace = pace;
            }
            let length = plan.of(TURN, TURN / 10);
            let before = readers.cpu();
            let turn = |_: usize, load: &mut Load| {
                let [done] = drive([load], length);
                done
            };
            // Events that are still to be sent after a turn are waited for, so that they slow down no turn of
            // the other, and their CPU time is counted.
            let outcomes = alternate_with(&mut sides, plan.of(5, 1), turn, Server::until_quiet);
            let reading = since(before, readers.cpu());
            let reading =
                reading.map(|cpu| cpu.as_secs_f64() * 1e6 / outcomes[0].responses() as f64);
            table.row(row(name, pace, &outcomes, reading));
        }
    }
    table.print();
}

/// The row of one pace: `with` subscribers and `without`. Latencies say nothing at full load.
fn row(name: &str, pace: Pace, outcomes: &[Outcome; 2], reading: Option<f64>) -> [String; 10] {
    let [with, without] = outcomes;
    let latency = |outcome| match pace {
        Pace::Full => "–".to_owned(),
        Pace::PerSecond(_) => latency(outcome),
    };
    let pace_name = match pace {
        Pace::Full => "full load",
        Pace::PerSecond(_) => "2,000/s",
    };
    let ratio = Ratio::of(outcomes);
    let micros = |cpu| format!("{cpu:.2}");
    [
        name.to_owned(),
        pace_name.to_owned(),
        format!("{:.0}/s", with.per_second()),
        format!("{:.0}/s", without.per_second()),
        format!("{:.3}", ratio.median),
        format!("{:.3} to {:.3}", ratio.blocks[0], ratio.blocks[1]),
        both(with.cpu_per_request(), without.cpu_per_request(), micros),
        shown(reading, micros),
        latency(with),
        latency(without),
    ]
}
