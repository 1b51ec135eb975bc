//! Bodies and runs that are larger than the memory for what is in flight.

use serde_json::json;

use super::{MIB, assert_within, flood};
use crate::harness::{Process, WEBHOOK, connect_not_reading, get, run_id, send};

/// One version of the outputs of a run.
fn outputs(run: usize, version: usize, count: usize, bytes: usize) -> String {
    let data = "x".repeat(bytes);
    let outputs: Vec<_> = (0..count)
        .map(|id| json!({"id": id, "updated_at": format!("{version:06}"), "data": data}))
        .collect();
    json!({"run_id": run_id(run), "outputs": outputs}).to_string()
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_body_larger_than_the_memory_in_flight_takes_no_more_than_the_difference() {
    let process = Process::serve(&["--max-in-flight", "1MiB", "--max-body", "64MiB"]);
    flood(process.address, 0..300, |n| outputs(n, 0, 1, MIB)).await;
    for version in 0..5 {
        let body = outputs(1_000, version, 60, MIB);
        let (one, other) = tokio::join!(
            process.post(WEBHOOK, body.clone()),
            process.post(WEBHOOK, body)
        );
        let statuses = [one.status().as_u16(), other.status().as_u16()];
        assert!(
            statuses.iter().all(|status| [200, 503].contains(status)),
            "{statuses:?}"
        );
        assert!(statuses.contains(&200), "{statuses:?}");
    }
    let difference = 63 * MIB;
    assert_within(
        &process,
        "bodies of 60 MiB with 1 MiB in flight",
        256 * MIB + 5 * MIB / 2 + difference,
    );
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_run_larger_than_the_memory_in_flight_is_read_within_the_memory_limits() {
    let flags = ["--max-in-flight", "8MiB", "--max-bytes", "512MiB"];
    let process = Process::serve(&[&flags[..], &["--send-timeout", "1h"]].concat());
    let run = 32 * MIB;
    let report = async |version| {
        for first in 1..8 {
            let outputs =
                outputs(0, version, 4, 1_000_000).replace("\"id\":", &format!("\"id\":{first}"));
            assert_eq!(process.post(WEBHOOK, outputs).await.status(), 200);
        }
    };
    let mut held = Vec::new();
    for version in 0..5 {
        report(version).await;
        for path in [
            &*format!("/api/runs/{}", run_id(0)),
            "/api/runs",
            "/api/events",
        ] {
            for _ in 0..20 {
                let mut connection = connect_not_reading(process.address).await;
                send(&mut connection, get(path)).await;
                held.push(connection);
            }
        }
    }
    report(5).await;
    let difference = 2 * run;
    assert_within(
        &process,
        "a run of 28 MB that changes, and 300 clients that do not read it, with 8 MiB in flight",
        run + 5 * 8 * MIB / 2 + difference,
    );
}
