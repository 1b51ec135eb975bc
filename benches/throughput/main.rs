//! What the service costs, under load, beside a bare axum server that is loaded in the same run.
//!
//! ```sh
//! cargo bench                                     # everything
//! cargo bench --bench throughput -- updates flat  # these questions only
//! cargo bench -- --quick                          # only whether it works; the figures say nothing
//! ```
//!
//! Two runs on a machine that does other things, too, differ by a third, so no figure of one run is held
//! against one of another. Both servers are up at the same time and are loaded in short turns, in random
//! order; each pair of turns gives a ratio, and the median of the ratios is what is said.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench says what it found, and fails by panicking"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are rounded when they are shown"
)]

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
    /// Only enough to see that it works.
    quick: bool,
}

impl Plan {
    /// `full` of something, or a little of it.
    fn of<T>(self, full: T, little: T) -> T {
        if self.quick { little } else { full }
    }
}

type Question = (&'static str, fn(Plan, &Cores));

const QUESTIONS: [Question; 4] = [
    ("start", start::ask),
    ("updates", updates::ask),
    ("flat", flat::ask),
    ("subscribers", subscribers::ask),
];

fn main() -> ExitCode {
    let mut plan = Plan { quick: false };
    let mut asked = Vec::new();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            servers::BARE => return servers::serve_bare(),
            streams::WATCH => return streams::watch(arguments),
            // What cargo adds.
            "--bench" => {}
            "--quick" => plan.quick = true,
            name => asked.push(name.to_owned()),
        }
    }
    let cores = Cores::divide();
    println!("{cores}");
    let begun = Instant::now();
    for (name, ask) in QUESTIONS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            ask(plan, &cores);
        }
    }
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
