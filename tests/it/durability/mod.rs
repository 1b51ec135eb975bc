//! What was acknowledged is kept: through kills, full disks, failing syncs and power cuts.
//!
//! `CRASH_KILLS=100 POWER_CUTS=300 cargo test --test it -- --nocapture durability` does more than usual, and `SEED`
//! repeats a test as it was. What the threads of the service do in between is never repeated exactly.

mod crash;
mod disk;
mod faults;
mod full;
mod load;
mod power_cut;

use std::{path::Path, process::Command};

use crate::harness::Process;

/// A command that serves from a database. It keeps few runs in memory, so most are read from the database.
fn service(database: &Path) -> Command {
    let url = format!("sqlite:{}", database.display());
    let mut command = Process::command(&["--listen", "127.0.0.1:0", "--max-runs", "20"]);
    command.args(["--database-url", &url]);
    command
}

/// The number in a variable, or another one.
fn number(variable: &str, default: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(default, |number| number.parse().unwrap())
}

/// What the random choices of a test depend on. It is printed.
fn seed() -> u64 {
    let seed = number("SEED", fastrand::u64(..));
    println!("SEED={seed}");
    seed
}
