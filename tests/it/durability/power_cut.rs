//! Replays what the program wrote, up to power cuts at random moments.

use std::fs;

use fastrand::Rng;
use rusqlite::Connection;

use super::{
    disk::{Disk, records},
    faults::{Fault, Faults},
    load::{Load, large},
    number, seed, service,
};
use crate::harness::{Folder, Process, WEBHOOK, until, update};

const UPDATES: usize = 400;

/// Large updates before each fault. Together they fill the log of the database, so that it has to be moved.
const LARGE: usize = 2;

#[tokio::test]
async fn after_a_power_cut_every_acknowledged_update_is_there_and_no_half_of_one() {
    let Some(faults) = Faults::new() else { return };
    let seed = seed();
    let mut random = Rng::with_seed(seed);
    let load = Load::new(seed);
    let made = run(&faults, &load).await;

    let trace = fs::read(faults.trace()).unwrap();
    let records = records(&trace);
    let cuts = number("POWER_CUTS", 30);
    // Some of them while the database is made, which takes few writes.
    let made = records.partition_point(|record| record.end as u64 <= made);
    let mut cut_at: Vec<_> = (0..cuts)
        .map(|n| if n % 5 == 0 { made } else { records.len() })
        .map(|end| random.usize(..=end))
        .collect();
    cut_at.sort_unstable();
    let mut disk = Disk::default();
    let mut applied = 0;
    for cut in cut_at {
        for record in &records[applied..cut] {
            disk.apply(record, &mut random);
        }
        applied = cut;
        let end = records[..cut].last().map_or(0, |record| record.end);
        check_cut(&disk, &load, end, &mut random).await;
    }
    let later = records[made..].iter();
    let checkpoints = later.filter(|record| record.is_checkpoint()).count();
    assert!(checkpoints > 0, "the log was never moved to the database");
    println!(
        "{cuts} power cuts among {} writes and syncs, {checkpoints} checkpoints and {} updates: none of these was lost \
         or kept in part",
        records.len(),
        load.acknowledged()
    );
}

#[tokio::test]
async fn the_recorded_writes_make_the_files_as_they_are() {
    let Some(faults) = Faults::new() else { return };
    let mut process = Process::start(faults.service());
    for n in 0..3 {
        let response = process.post(WEBHOOK, update(n, "queued")).await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(process.stop().0, Some(0));
    let trace = fs::read(faults.trace()).unwrap();
    let mut disk = Disk::default();
    for record in records(&trace) {
        disk.apply(&record, &mut Rng::new());
    }
    let files = disk.files();
    assert!(files.contains_key(""), "{:?}", files.keys());
    for (name, content) in files {
        let found = fs::read(format!("{}{name}", faults.database().display()));
        assert!(found.unwrap() == content, "{name}");
    }
}

/// Records the writes of many updates, some of which are refused as the disk fails. Returns how long the trace was
/// when the database was made.
async fn run(faults: &Faults, load: &Load) -> u64 {
    let process = Process::start(faults.service());
    let now = || fs::metadata(faults.trace()).unwrap().len();
    let made = now();
    // Their runs are no other updates'.
    let mut large_runs = 1_000_000..;
    let drive = async {
        for fault in [Fault::Full, Fault::WriteErrors, Fault::SyncErrors] {
            faults.set(Fault::CheckpointErrors);
            for run in large_runs.by_ref().take(LARGE) {
                let response = process.post(WEBHOOK, large(run)).await;
                assert_eq!(response.status(), 200);
            }
            faults.set(Fault::None);
            let goal = load.acknowledged() + UPDATES / 4;
            until("updates are accepted", async || load.acknowledged() >= goal).await;
            let goal = load.refused() + 20;
            faults.set(fault);
            until("updates are refused", async || load.refused() >= goal).await;
            faults.set(Fault::None);
        }
        until("all updates are accepted", async || {
            load.acknowledged() >= UPDATES
        })
        .await;
        let missing = load.missing(process.address, u64::MAX).await;
        assert!(missing.is_empty(), "{}", missing[0]);
        process.signal("KILL");
    };
    tokio::join!(drive, load.send(process.address, now));
    made
}

/// Starts the service from what a disk may hold after a cut.
async fn check_cut(disk: &Disk<'_>, load: &Load, end: usize, random: &mut Rng) {
    let folder = Folder::new();
    let database = folder.path("runs.db");
    disk.cut(&database, random);
    let process = Process::start(service(&database));
    let missing = load.missing(process.address, end as u64).await;
    assert!(missing.is_empty(), "cut at byte {end}: {missing:?}");
    drop(process);
    let connection = Connection::open(&database).unwrap();
    let check = "pragma integrity_check";
    let found: String = connection.query_row(check, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok", "cut at byte {end}");
}
