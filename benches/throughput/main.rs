//! What the service costs under load, beside a bare axum server that is loaded in the same run.
//!
//! ```sh
//! cargo bench --features jemalloc --bench throughput                  # everything
//! cargo bench --features jemalloc --bench throughput -- updates flat  # only these groups
//! cargo bench --features jemalloc --bench throughput -- --quick       # only checks that it works
//! ```
//!
//! On a machine that also does other things, two runs differ by a third. So no figure of one run is compared
//! with one of another. Instead two servers run at the same time and are loaded in short turns, in random
//! order. Each pair of turns gives a ratio, and the median of the ratios is the result.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its results, and fails by panicking"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are rounded when they are shown"
)]

mod commits;
mod disk;
mod durable;
mod fill;
mod flat;
mod load;
mod machine;
mod report;
mod requests;
mod servers;
mod start;
mod streams;
mod subscribers;
mod turns;
mod updates;

use std::{env, process::ExitCode, time::Instant};

use machine::Cores;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Only enough to check that it works.
    quick: bool,
}

impl Plan {
    fn of<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

type Group = (&'static str, fn(Plan, &Cores));

const GROUPS: [Group; 5] = [
    ("start", start::measure),
    ("updates", updates::measure),
    ("durable", durable::measure),
    ("flat", flat::measure),
    ("subscribers", subscribers::measure),
];

fn main() -> ExitCode {
    let mut plan = Plan { quick: false };
    let mut chosen = Vec::new();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            servers::BARE => return servers::serve_bare(),
            disk::SYNC => return disk::sync(arguments),
            streams::READ => return streams::read(arguments),
            // Cargo adds it.
            "--bench" => {}
            "--quick" => plan.quick = true,
            name => chosen.push(name.to_owned()),
        }
    }
    let cores = Cores::divide();
    println!("{cores}");
    let begun = Instant::now();
    for (name, measure) in GROUPS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            measure(plan, &cores);
        }
    }
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
