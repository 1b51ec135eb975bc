//! Waiting for a run to be over.

use serde_json::{Value, json};

use crate::harness::{Server, problem, run_id};

fn waiting() -> String {
    format!("/api/runs/{}?wait=60", run_id(1))
}

async fn update(server: &Server, status: &str) {
    let update = json!({"run_id": run_id(1), "status": status});
    server.accept(update.to_string()).await;
}

#[tokio::test]
async fn a_run_is_waited_for_until_it_is_over_from_before_it_is_known() {
    for (last, status) in [
        ("success", "completed"),
        ("timeout", "failed"),
        ("cancelled", "cancelled"),
    ] {
        let server = Server::start().await;
        let updates = async {
            server
                .until_metric("comfydeploy_webhook_subscribers 1")
                .await;
            for status in ["queued", "running", "uploading", last] {
                update(&server, status).await;
            }
        };
        let path = waiting();
        let (response, ()) = tokio::join!(server.get(&path), updates);
        assert_eq!(response.status(), 200);
        let run: Value = response.json().await.unwrap();
        assert_eq!(run["status"], status);
        assert_eq!(server.json(&path).await, run, "it is over already");
    }
}

/// The clock stands still but when everyone waits; then it jumps to what is waited for.
#[tokio::test(start_paused = true)]
async fn when_the_time_has_passed_the_run_is_shown_as_it_is() {
    let server = Server::start().await;
    let begun = tokio::time::Instant::now();
    problem(server.get(&waiting()).await, 404).await;
    assert_eq!(begun.elapsed().as_secs(), 60);
    update(&server, "running").await;
    assert_eq!(server.json(&waiting()).await["status"], "processing");
    assert!((120..125).contains(&begun.elapsed().as_secs()));
    let at_once = format!("/api/runs/{}?wait=0", run_id(1));
    assert_eq!(server.json(&at_once).await["status"], "processing");
    assert!(begun.elapsed().as_secs() < 125);
}

#[tokio::test]
async fn how_long_to_wait_is_bounded_and_a_whole_number_of_seconds() {
    let server = Server::start().await;
    for wait in ["61", "-1", "1.5", "x", "", "1s", "1&wait=1"] {
        let path = format!("/api/runs/{}?wait={wait}", run_id(1));
        let problem = problem(server.get(&path).await, 400).await;
        assert_eq!(problem["parameter"], "wait", "{wait}");
    }
}
