//! Outputs for which a run has no room: the same ones are left out in every order, after a restart, and of a run that
//! was evicted.

use serde_json::{Value, json};

use crate::harness::{Folder, Server, run_id};

const FLAGS: [&str; 4] = ["--max-bytes", "1MiB", "--max-runs", "1"];

fn update(n: usize, status: &str, outputs: &[(&str, usize)]) -> String {
    let output = |&(id, bytes): &(&str, usize)| json!({"id": id, "data": "x".repeat(bytes)});
    let outputs: Vec<_> = outputs.iter().map(output).collect();
    json!({"run_id": run_id(n), "status": status, "outputs": outputs}).to_string()
}

/// What is shown of the outputs of a run.
async fn outputs(server: &Server, n: usize) -> Value {
    let run = server.run(&run_id(n)).await;
    assert_eq!(run["status"], "completed");
    json!([run["outputs"], run["outputs_incomplete"]])
}

#[tokio::test]
async fn the_same_outputs_are_left_out_in_every_order() {
    let updates = [
        ("running", &[("b", 30_000)][..]),
        ("uploading", &[("d", 100)]),
        ("success", &[("a", 30_000), ("c", 20_000)]),
    ];
    let folder = Folder::new();
    let file = folder.path("runs.db");
    let mut server = Server::with_database(&file, &FLAGS).await;
    let mut expected = None;
    for order in [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
    ] {
        let [together, evicted, restarted] = [1, 2, 3];
        for (status, outputs) in order.map(|n| updates[n]) {
            server.accept(update(together, status, outputs)).await;
        }
        for (status, outputs) in order.map(|n| updates[n]) {
            server.accept(update(evicted, status, outputs)).await;
            server.accept(update(9, "queued", &[])).await;
        }
        for (status, outputs) in order.map(|n| updates[n]) {
            server.accept(update(restarted, status, outputs)).await;
            server.stop().await;
            server = Server::with_database(&file, &FLAGS).await;
        }
        for n in [together, evicted, restarted] {
            let shown = outputs(&server, n).await;
            assert_eq!(shown[1], true, "it has left something out");
            assert_eq!(
                &shown,
                expected.get_or_insert(shown.clone()),
                "{order:?} {n}"
            );
        }
        // The next order begins with no run.
        server.stop().await;
        std::fs::remove_file(&file).unwrap();
        server = Server::with_database(&file, &FLAGS).await;
    }
}
