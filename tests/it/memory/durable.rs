//! The same with a database.

use futures_util::future::join_all;
use serde_json::json;

use super::{MIB, assert_within, flood, growth};
use crate::harness::{Folder, Process, WEBHOOK, connect_not_reading, get, run_id, send, update};

/// What OPERATIONS.md allows for the database: a quarter of --max-bytes.
const DATABASE: usize = 16 * MIB;

fn url(folder: &Folder) -> String {
    format!("sqlite:{}", folder.path("runs.db").display())
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn a_flood_of_distinct_run_ids_leaves_memory_flat_with_a_database() {
    let folder = Folder::new();
    let growth = growth(&["--max-runs", "1000", "--database-url", &url(&folder)]).await;
    assert!(growth < 8 * MIB, "it grew by {growth} bytes");
}

#[tokio::test]
#[ignore = "measures memory; run it with: cargo test --release --features jemalloc --test it -- --ignored --nocapture memory"]
async fn large_runs_that_only_the_database_has_stay_within_the_memory_limits() {
    const RUNS: usize = 60;
    let folder = Folder::new();
    let flags = [
        "--max-bytes",
        "64MiB",
        "--max-in-flight",
        "16MiB",
        "--send-timeout",
        "1h",
    ];
    let database = ["--database-url", &url(&folder)];
    let process = Process::serve(&[&flags[..], &database].concat());
    let data = "x".repeat(3_500_000);
    let large = |n| json!({"run_id": run_id(n), "outputs": [{"id": 1, "data": data}]});
    flood(process.address, 0..RUNS, large).await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        // Updates of all of them at a time, small ones and large ones.
        let small = (0..RUNS).map(|n| process.post(WEBHOOK, update(n, "processing")));
        let accepted = join_all(small).await;
        assert!(accepted.iter().all(|response| response.status() == 200));
        let again = (0..RUNS).map(|n| process.post(WEBHOOK, large(n).to_string()));
        let answers = join_all(again).await;
        assert!(answers.iter().any(|response| response.status() == 200));
        // And clients that read none of it.
        for n in 0..RUNS {
            for path in ["", "/events"] {
                let mut connection = connect_not_reading(process.address).await;
                send(
                    &mut connection,
                    get(&format!("/api/runs/{}{path}", run_id(n))),
                )
                .await;
                unread.push(connection);
            }
        }
    }
    flood(process.address, 0..RUNS, large).await;
    assert_within(
        &process,
        "60 runs of 3.5 MB, of which the store keeps 18, updated and read at a time",
        (64 + 16 + 16 + 8) * MIB + DATABASE,
    );
}
