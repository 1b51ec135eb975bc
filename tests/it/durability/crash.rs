//! Kills the program at random moments.

use std::{path::Path, process::Stdio, thread::sleep, time::Duration};

use fastrand::Rng;

use super::{load::Load, number, seed, service};
use crate::harness::{Folder, Process, until};

#[tokio::test]
async fn a_killed_service_has_kept_every_acknowledged_update_and_no_half_of_one() {
    let seed = seed();
    let mut random = Rng::with_seed(seed);
    let folder = Folder::new();
    let database = folder.path("runs.db");
    let load = Load::new(seed);
    let mut missing = Vec::new();
    let kills = number("CRASH_KILLS", 10);
    for _ in 0..kills {
        kill_while_starting(&database, &mut random);
        let mut process = Process::start(service(&database));
        missing.extend(load.missing(process.address, 0).await);
        let goal = load.acknowledged() + random.usize(1..400);
        let kill = async {
            until("enough updates are acknowledged", async || {
                load.acknowledged() >= goal
            })
            .await;
            process.child.kill().unwrap();
        };
        tokio::join!(kill, load.send(process.address, || 0));
    }
    let process = Process::start(service(&database));
    missing.extend(load.missing(process.address, 0).await);
    println!(
        "{kills} kills while updates arrive, and as many while the service starts: of {} updates {} were \
         acknowledged, {} lost or in part",
        load.made(),
        load.acknowledged(),
        missing.len()
    );
    assert!(missing.is_empty(), "{}", missing[0]);
    assert_eq!(load.refused(), 0);
}

/// Starts the service and kills it at a random moment of its first milliseconds.
fn kill_while_starting(database: &Path, random: &mut Rng) {
    let mut command = service(database);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_micros(random.u64(..30_000)));
    child.kill().unwrap();
    child.wait().unwrap();
}
