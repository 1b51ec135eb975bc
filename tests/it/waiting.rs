//! Waiting for a run to be over.

use reqwest::Response;
use serde_json::Value;
use tokio::{
    join,
    time::{self, Instant},
};

use crate::harness::{Server, problem, run_id, update};

const WAITING: &str = "comfydeploy_webhook_subscribers 1";

fn path(wait: &str) -> String {
    format!("/api/runs/{}?wait={wait}", run_id(1))
}

#[tokio::test]
async fn a_wait_may_begin_before_the_run_is_known_and_lasts_until_it_is_over() {
    for (last, status) in [
        ("success", "completed"),
        ("timeout", "failed"),
        ("cancelled", "cancelled"),
    ] {
        let server = Server::start().await;
        let updates = async {
            server.until_metric(WAITING).await;
            for status in ["queued", "running", "uploading", last] {
                server.accept(update(1, status)).await;
            }
        };
        let path = path("60");
        let (response, ()) = join!(server.get(&path), updates);
        assert_eq!(response.status(), 200);
        let run: Value = response.json().await.unwrap();
        assert_eq!(run["status"], status);
        assert_eq!(server.json(&path).await, run, "it is over already");
    }
}

/// Requests the run with `wait=60`, lets the time pass at once, and checks how much it was.
async fn wait_in_vain(server: &Server) -> Response {
    let begun = Instant::now();
    let pass_time = async {
        server.until_metric(WAITING).await;
        // The clock jumps to the next timer whenever nothing is left to do: here, to the end of the wait.
        time::pause();
    };
    let path = path("60");
    let (response, ()) = join!(server.get(&path), pass_time);
    time::resume();
    assert!((60..75).contains(&begun.elapsed().as_secs()));
    response
}

#[tokio::test]
async fn after_the_seconds_given_the_run_is_shown_as_it_is() {
    let server = Server::start().await;
    problem(wait_in_vain(&server).await, 404).await;
    server.accept(update(1, "running")).await;
    let run: Value = wait_in_vain(&server).await.json().await.unwrap();
    assert_eq!(run["status"], "processing");
    assert_eq!(server.json(&path("0")).await, run);
}

#[tokio::test]
async fn wait_is_a_whole_number_of_seconds_from_0_to_60() {
    let server = Server::start().await;
    for wait in ["61", "-1", "1.5", "x", "", "1s", "1&wait=1"] {
        let problem = problem(server.get(&path(wait)).await, 400).await;
        assert_eq!(problem["parameter"], "wait", "{wait}");
    }
}
