//! Watching runs: what is told, in which order, and how a client goes on.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Server, fixtures, problem, run_id},
    sse::Stream,
};

/// The run that the wire fixtures are about.
const WIRE_RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

async fn update(server: &Server, n: usize, status: &str) {
    let update = json!({"run_id": run_id(n), "status": status});
    server.accept(update.to_string()).await;
}

fn events_of(n: usize) -> String {
    format!("/api/runs/{}/events", run_id(n))
}

fn ids(runs: &[Value]) -> Vec<&str> {
    runs.iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn all_that_is_there_is_told_newest_first_and_then_every_change() {
    let server = Server::start().await;
    for n in 0..3 {
        update(&server, n, "queued").await;
        // A run that changes keeps its place.
        update(&server, 0, "running").await;
    }
    let mut stream = Stream::open(&server, "/api/events").await;
    let (runs, live) = stream.snapshot("start").await;
    let listed = server.json("/api/runs").await["runs"].take();
    assert_eq!(json!(runs), listed);
    let mut told_ids = vec![live];
    for (n, status) in [
        (1, "running"),
        (7, "queued"),
        (1, "success"),
        (1, "success"),
    ] {
        update(&server, n, status).await;
        let (run, id) = stream.next_run().await;
        assert_eq!(run, server.run(&run_id(n)).await, "{n} {status}");
        told_ids.push(id.unwrap());
    }
    let mut distinct = told_ids.clone();
    distinct.dedup();
    assert_eq!(distinct, told_ids);
}

#[tokio::test]
async fn how_many_runs_there_are_of_each_status_is_told_first_and_when_it_changes() {
    let server = Server::start().await;
    update(&server, 1, "queued").await;
    let mut stream = Stream::open(&server, "/api/events?status=failed").await;
    let mut next_counts = async || loop {
        let event = stream.next().await.unwrap();
        if event.name == "counts" {
            return event.data;
        }
    };
    let counts = |queued, processing, completed| {
        json!({"all": 2 - usize::from(processing + completed == 0), "queued": queued,
            "processing": processing, "completed": completed, "failed": 0, "cancelled": 0})
    };
    assert_eq!(next_counts().await, counts(1, 0, 0));
    update(&server, 2, "running").await;
    assert_eq!(next_counts().await, counts(1, 1, 0));
    update(&server, 2, "success").await;
    assert_eq!(next_counts().await, counts(1, 0, 1));
}

#[tokio::test]
async fn a_run_played_from_the_wire_is_watched_to_its_end() {
    let server = Server::start().await;
    let path = format!("/api/runs/{WIRE_RUN}/events");
    let mut stream = Stream::open(&server, &path).await;
    let mut seen = Vec::new();
    for (name, body) in fixtures("wire-0").iter().take(8) {
        server.accept(body.clone()).await;
        let (run, _) = stream.next_run().await;
        assert_eq!(run, server.run(WIRE_RUN).await, "{name}");
        seen.push(run["platform_status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.first().unwrap(), "not-started");
    assert_eq!(seen.last().unwrap(), "success");
    let end = stream.next().await.unwrap();
    assert_eq!(end.name, "end");
    assert_eq!(end.data, json!({"run_id": WIRE_RUN, "status": "completed"}));
    assert_eq!(stream.next().await, None, "the stream is over");

    let again = server.request(Method::GET, &path);
    let again = again.header("last-event-id", end.id.unwrap());
    assert_eq!(
        again.send().await.unwrap().status(),
        204,
        "a browser does not come again"
    );
    let mut late = Stream::open(&server, &path).await;
    assert_eq!(late.next_run().await.0, server.run(WIRE_RUN).await);
    assert_eq!(late.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn a_stream_of_one_run_waits_for_it_and_hears_of_no_other() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    update(&server, 2, "running").await;
    update(&server, 1, "queued").await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(1));
    update(&server, 2, "success").await;
    update(&server, 1, "cancelled").await;
    assert_eq!(stream.next_run().await.0["status"], "cancelled");
    assert_eq!(stream.next().await.unwrap().data["status"], "cancelled");
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_what_it_missed_and_no_more() {
    let server = Server::start().await;
    update(&server, 1, "queued").await;
    update(&server, 2, "queued").await;
    let mut stream = Stream::open(&server, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    drop(stream);
    let mut back = Stream::after(&live, &server, "/api/events").await;
    update(&server, 2, "running").await;
    let (run, last) = back.next_run().await;
    assert_eq!(run["run_id"], run_id(2), "nothing was missed");
    drop(back);
    update(&server, 3, "queued").await;
    update(&server, 2, "uploading").await;
    update(&server, 2, "success").await;
    let mut back = Stream::after(&last.unwrap(), &server, "/api/events").await;
    let missed = [back.next_run().await.0, back.next_run().await.0];
    assert_eq!(ids(&missed), [run_id(3), run_id(2)]);
    assert_eq!(missed[1]["status"], "completed", "as it is now");
    update(&server, 4, "queued").await;
    assert_eq!(back.next_run().await.0["run_id"], run_id(4));
}

#[tokio::test]
async fn a_client_that_comes_back_too_late_is_told_so_with_all_there_is() {
    let server = Server::with_flags(&["--stream-backlog", "2"]).await;
    let mut stream = Stream::open(&server, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    drop(stream);
    for n in 1..=3 {
        update(&server, n, "queued").await;
    }
    let mut late = Stream::after(&live, &server, "/api/events").await;
    let (runs, now) = late.snapshot("behind").await;
    assert_eq!(ids(&runs), [run_id(3), run_id(2), run_id(1)]);
    let mut in_time = Stream::after(&now, &server, "/api/events").await;
    update(&server, 4, "queued").await;
    assert_eq!(in_time.next_run().await.0["run_id"], run_id(4));
}

#[tokio::test]
async fn a_client_of_another_service_is_told_so_with_all_there_is() {
    let (before, after) = (Server::start().await, Server::start().await);
    let mut stream = Stream::open(&before, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    update(&after, 1, "queued").await;
    for last in [
        live.as_str(),
        "0-all-0",
        &format!("{live}99999999999999999999"),
        "x",
    ] {
        let mut stream = Stream::after(last, &after, "/api/events").await;
        let (runs, _) = stream.snapshot("restart").await;
        assert_eq!(ids(&runs), [run_id(1)], "{last}");
        let mut stream = Stream::after(last, &after, &events_of(1)).await;
        assert_eq!(stream.next_run().await.0["run_id"], run_id(1), "{last}");
    }
}

#[tokio::test]
async fn an_id_of_a_stream_of_other_runs_is_none_of_this_one() {
    let server = Server::start().await;
    update(&server, 1, "queued").await;
    let mut failed = Stream::open(&server, "/api/events?status=failed").await;
    let (_, live) = failed.snapshot("start").await;
    let mut all = Stream::after(&live, &server, "/api/events").await;
    let (runs, _) = all.snapshot("restart").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    let mut back = Stream::after(&live, &server, "/api/events?status=failed").await;
    update(&server, 1, "failed").await;
    assert_eq!(back.next_run().await.0["run_id"], run_id(1));
}

#[tokio::test]
async fn who_comes_back_to_one_run_is_told_only_what_is_new_and_the_end_all_the_same() {
    let server = Server::start().await;
    update(&server, 1, "queued").await;
    let (_, queued) = Stream::open(&server, &events_of(1)).await.next_run().await;
    let mut back = Stream::after(&queued.unwrap(), &server, &events_of(1)).await;
    update(&server, 1, "success").await;
    let (run, over) = back.next_run().await;
    assert_eq!(run["status"], "completed");
    drop(back);
    let mut back = Stream::after(&over.unwrap(), &server, &events_of(1)).await;
    assert_eq!(back.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn with_a_status_a_run_that_leaves_it_is_told_once_more() {
    let server = Server::start().await;
    update(&server, 1, "running").await;
    update(&server, 2, "queued").await;
    let mut stream = Stream::open(&server, "/api/events?status=processing").await;
    let (runs, _) = stream.snapshot("start").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    update(&server, 3, "queued").await;
    update(&server, 2, "running").await;
    let (run, _) = stream.next_run().await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(run_id(2)), &json!("processing"))
    );
    update(&server, 2, "failed").await;
    let (run, _) = stream.next_run().await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(run_id(2)), &json!("failed"))
    );
    update(&server, 2, "success").await;
    update(&server, 1, "uploading").await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(1));
}

#[tokio::test]
async fn a_run_that_is_no_longer_kept_is_told_of() {
    let server = Server::with_flags(&["--max-runs", "1"]).await;
    update(&server, 1, "queued").await;
    let mut all = Stream::open(&server, "/api/events").await;
    all.snapshot("start").await;
    let mut one = Stream::open(&server, &events_of(1)).await;
    one.next_run().await;
    update(&server, 2, "queued").await;
    assert_eq!(all.next_run().await.0["run_id"], run_id(2));
    for removed in [all.next_but_counts().await, one.next().await.unwrap()] {
        assert_eq!(removed.name, "removed");
        assert_eq!(removed.data, json!({"run_id": run_id(1)}));
    }
    update(&server, 1, "success").await;
    assert_eq!(one.next_run().await.0["status"], "completed");
}

#[tokio::test]
async fn no_more_of_what_is_there_is_told_than_is_asked_for() {
    let server = Server::start().await;
    for n in 1..=3 {
        update(&server, n, "queued").await;
    }
    for (limit, told) in [(0, &[][..]), (2, &[run_id(3), run_id(2)])] {
        let path = format!("/api/events?limit={limit}");
        let mut stream = Stream::open(&server, &path).await;
        assert_eq!(ids(&stream.snapshot("start").await.0), told);
        update(&server, 1, "queued").await;
        assert_eq!(stream.next_run().await.0["run_id"], run_id(1), "a change");
    }
}

#[tokio::test]
async fn an_output_written_on_several_lines_is_still_one_event() {
    let server = Server::start().await;
    let body = format!(
        "{{\"run_id\":\"{}\",\"outputs\":[{{\n \"id\":\r\n 1,\r \"text\":\"a\\nb\"}}]}}",
        run_id(1)
    );
    server.accept(body).await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    stream.next_block().await.unwrap();
    let event = stream.next_block().await.unwrap();
    assert_eq!((event.lines().count(), event.matches('\r').count()), (2, 0));
    let (run, _) = Stream::open(&server, &events_of(1)).await.next_run().await;
    assert_eq!(run, server.run(&run_id(1)).await);
}

#[tokio::test]
async fn what_is_between_passes_a_stream_on_at_once_and_keeps_none_of_it() {
    let server = Server::start().await;
    for path in ["/api/events", &events_of(1)] {
        let stream = Stream::open(&server, path).await;
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(stream.response().headers()[name], value, "{path}");
        }
    }
}

/// The clock stands still but when everyone waits; then it jumps to what is waited for.
#[tokio::test(start_paused = true)]
async fn a_stream_on_which_nothing_happens_shows_that_it_lives() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    assert_eq!(stream.next_block().await.unwrap(), "retry: 1000");
    for _ in 0..10 {
        assert_eq!(stream.next().await.unwrap().name, "heartbeat");
    }
}

#[tokio::test]
async fn a_bad_parameter_of_a_stream_is_named() {
    let server = Server::start().await;
    for (path, parameter) in [
        ("/api/events?status=done", "status"),
        ("/api/events?limit=-1", "limit"),
        ("/api/events?limit=10000001", "limit"),
        ("/api/events?limit=1&limit=1", "limit"),
        ("/api/runs/x/events", "run_id"),
        ("/api/runs/%ff/events", "run_id"),
    ] {
        let problem = problem(server.get(path).await, 400).await;
        assert_eq!(problem["parameter"], parameter, "{path}");
    }
}
