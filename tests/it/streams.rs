//! Streams of runs: what is sent, and in which order.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{
        Server, WEBHOOK, WIRE_RUN, detail, fixtures, ids, problem, run_id, update, with_timeout,
    },
    sse::{Stream, events_of},
};

#[tokio::test]
async fn all_runs_are_sent_newest_first_and_then_every_change() {
    let server = Server::start().await;
    for n in 0..3 {
        server.accept(update(n, "queued")).await;
        // A run that changes keeps its place.
        server.accept(update(0, "running")).await;
    }
    let mut stream = Stream::open(&server, "/api/events").await;
    let (runs, live) = stream.snapshot("start").await;
    let listed = server.json("/api/runs").await["runs"].take();
    assert_eq!(json!(runs), listed);
    let mut event_ids = vec![live];
    for (n, status) in [
        (1, "running"),
        (7, "queued"),
        (1, "success"),
        (1, "success"),
    ] {
        server.accept(update(n, status)).await;
        let (run, id) = stream.next_run().await;
        assert_eq!(run, server.run(&run_id(n)).await, "{n} {status}");
        event_ids.push(id.unwrap());
    }
    let distinct: HashSet<_> = event_ids.iter().collect();
    assert_eq!(distinct.len(), event_ids.len(), "{event_ids:?}");
}

#[tokio::test]
async fn the_counts_by_status_are_sent_first_and_whenever_they_change() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
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
    server.accept(update(2, "running")).await;
    assert_eq!(next_counts().await, counts(1, 1, 0));
    server.accept(update(2, "success")).await;
    assert_eq!(next_counts().await, counts(1, 0, 1));
}

#[tokio::test]
async fn the_stream_of_a_run_sends_every_change_and_ends_after_the_end_of_the_run() {
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
    assert_eq!(stream.next().await, None, "the stream has ended");

    let again = server.request(Method::GET, &path);
    let again = again.header("last-event-id", end.id.unwrap());
    assert_eq!(
        again.send().await.unwrap().status(),
        204,
        "upon which a browser does not reconnect"
    );
    let mut late = Stream::open(&server, &path).await;
    assert_eq!(late.next_run().await.0, server.run(WIRE_RUN).await);
    assert_eq!(late.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn the_stream_of_a_run_waits_for_it_and_sends_no_other() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    server.accept(update(2, "running")).await;
    server.accept(update(1, "queued")).await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(1));
    server.accept(update(2, "success")).await;
    server.accept(update(1, "cancelled")).await;
    assert_eq!(stream.next_run().await.0["status"], "cancelled");
    assert_eq!(stream.next().await.unwrap().data["status"], "cancelled");
}

#[tokio::test]
async fn with_a_status_filter_a_run_that_leaves_the_status_is_sent_once_more() {
    let server = Server::start().await;
    server.accept(update(1, "running")).await;
    server.accept(update(2, "queued")).await;
    let mut stream = Stream::open(&server, "/api/events?status=processing").await;
    let (runs, _) = stream.snapshot("start").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    server.accept(update(3, "queued")).await;
    server.accept(update(2, "running")).await;
    let (run, _) = stream.next_run().await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(run_id(2)), &json!("processing"))
    );
    server.accept(update(2, "failed")).await;
    let (run, _) = stream.next_run().await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(run_id(2)), &json!("failed"))
    );
    server.accept(update(2, "success")).await;
    server.accept(update(1, "uploading")).await;
    assert_eq!(stream.next_run().await.0["run_id"], run_id(1));
}

#[tokio::test]
async fn one_stream_follows_several_runs_by_their_ids() {
    let server = Server::start().await;
    for n in [1, 2, 3] {
        server.accept(update(n, "queued")).await;
    }
    let path = format!(
        "/api/events?run_id={}&run_id={}&run_id={}",
        run_id(1),
        run_id(3),
        run_id(9)
    );
    let mut stream = Stream::open(&server, &path).await;
    let (runs, live) = stream.snapshot("start").await;
    assert_eq!(ids(&runs), [run_id(3), run_id(1)]);
    let mut back = Stream::after(&live, &server, &path).await;
    for (n, status) in [(2, "running"), (9, "queued"), (1, "success")] {
        server.accept(update(n, status)).await;
    }
    for stream in [&mut stream, &mut back] {
        for n in [9, 1] {
            assert_eq!(stream.next_run().await.0["run_id"], run_id(n));
        }
    }
}

#[tokio::test]
async fn a_stream_follows_at_most_100_runs_by_their_ids() {
    let server = Server::start().await;
    let path = |count| {
        let ids: Vec<_> = (0..count)
            .map(|n| format!("run_id={}", run_id(n)))
            .collect();
        format!("/api/events?{}", ids.join("&"))
    };
    Stream::open(&server, &path(100))
        .await
        .snapshot("start")
        .await;
    let problem = problem(server.get(&path(101)).await, 400).await;
    assert_eq!(problem["parameter"], "run_id");
    assert!(
        detail(&problem).contains("expected at most 100 values"),
        "{problem}"
    );
}

#[tokio::test]
async fn the_limit_applies_to_the_snapshot_and_not_to_changes() {
    let server = Server::start().await;
    for n in 1..=3 {
        server.accept(update(n, "queued")).await;
    }
    for (limit, sent) in [(0, &[][..]), (2, &[run_id(3), run_id(2)])] {
        let path = format!("/api/events?limit={limit}");
        let mut stream = Stream::open(&server, &path).await;
        assert_eq!(ids(&stream.snapshot("start").await.0), sent);
        server.accept(update(1, "queued")).await;
        assert_eq!(stream.next_run().await.0["run_id"], run_id(1), "a change");
    }
}

#[tokio::test]
async fn the_list_goes_on_where_the_limit_ended_the_snapshot() {
    let server = Server::start().await;
    for n in 0..20 {
        let query = if n % 2 == 0 { "?user=42" } else { "" };
        let status = if n % 4 < 2 { "failed" } else { "queued" };
        let url = format!("{WEBHOOK}{query}");
        let request = server.request(Method::POST, &url);
        let request = request.header("content-type", "application/json");
        let sent = request.body(update(n, status)).send().await.unwrap();
        assert_eq!(sent.status(), 200);
    }
    for filter in [
        "status=failed",
        "label=user:42",
        "status=failed&label=user:42",
        "run_id_prefix=7c9e6679-7425-40de-944b-00000000001",
        "",
    ] {
        let all = server.json(&format!("/api/runs?{filter}")).await;
        let all = ids(all["runs"].as_array().unwrap());
        assert!(all.len() >= 5, "{filter}: {all:?}");
        let path = format!("/api/events?limit=2&{filter}");
        let (runs, live) = Stream::open(&server, &path).await.until_live("start").await;
        let cursor = live.data["next_cursor"].as_str().unwrap();
        let rest = server
            .json(&format!("/api/runs?{filter}&cursor={cursor}"))
            .await;
        let rest = rest["runs"].as_array().unwrap();
        let both: Vec<_> = ids(&runs).into_iter().chain(ids(rest)).collect();
        assert_eq!(runs.len(), 2, "{filter}");
        assert_eq!(both, all, "{filter}");

        let path = format!("/api/events?limit={}&{filter}", all.len());
        let (runs, live) = Stream::open(&server, &path).await.until_live("start").await;
        assert_eq!(ids(&runs), all, "{filter}");
        assert_eq!(live.data, json!({"next_cursor": null}), "{filter}");
    }
}

#[tokio::test]
async fn with_a_prefix_only_runs_whose_ids_begin_with_it_are_sent() {
    let server = Server::start().await;
    for n in [1, 11, 12] {
        server.accept(update(n, "queued")).await;
    }
    // In upper case and without hyphens.
    for prefix in [&run_id(11)[..35], "7C9E6679742540DE944B00000000001"] {
        let path = format!("/api/events?run_id_prefix={prefix}");
        let mut stream = Stream::open(&server, &path).await;
        let (runs, live) = stream.snapshot("start").await;
        assert_eq!(ids(&runs), [run_id(12), run_id(11)]);
        let mut back = Stream::after(&live, &server, &path).await;
        for (n, status) in [
            (1, "running"),
            (2, "queued"),
            (11, "running"),
            (1, "queued"),
        ] {
            server.accept(update(n, status)).await;
        }
        server.accept(update(12, "running")).await;
        for stream in [&mut stream, &mut back] {
            for n in [11, 12] {
                assert_eq!(stream.next_run().await.0["run_id"], run_id(n));
            }
        }
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
    let event = stream.next_block().await.unwrap();
    let fields: Vec<_> = event
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(fields, ["retry", "id", "data"], "{event}");
    assert!(!event.contains('\r'), "{event}");
    let (run, _) = Stream::open(&server, &events_of(1)).await.next_run().await;
    assert_eq!(run, server.run(&run_id(1)).await);
}

#[tokio::test]
async fn a_stream_has_headers_that_keep_proxies_from_buffering_and_caching_it() {
    let server = Server::start().await;
    for path in ["/api/events", &events_of(1)] {
        let stream = Stream::open(&server, path).await;
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(stream.response().headers()[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn the_first_event_whatever_it_is_says_how_long_to_wait_before_reconnecting() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    for (path, event) in [
        ("/api/events", "event: counts\ndata: {"),
        (&events_of(1), "id: "),
    ] {
        let mut stream = Stream::open(&server, path).await;
        let first = stream.next_block().await.unwrap();
        assert!(
            first.starts_with(&format!("retry: 1000\n{event}")),
            "{first}"
        );
        server.accept(update(2, "queued")).await;
        server.accept(update(1, "running")).await;
        let second = stream.next_block().await.unwrap();
        assert!(!second.contains("retry"), "{second}");
    }
}

#[tokio::test]
async fn the_stream_of_an_unknown_run_begins_at_once() {
    let server = Server::start().await;
    let mut response = server.get(&events_of(1)).await;
    // A proxy that waits for the first bytes of the body then lets the client know that it is connected.
    let start = with_timeout(response.chunk()).await.unwrap().unwrap();
    assert_eq!(start, "retry: 1000\n");
}

#[tokio::test]
async fn a_quiet_stream_sends_heartbeats() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    // From here on the clock jumps to the next heartbeat whenever nothing is left to do. A jump while one is
    // still on its way to the client only brings the next one.
    tokio::time::pause();
    let heartbeat = "event: heartbeat\ndata: {}";
    let first = stream.next_block().await.unwrap();
    assert_eq!(first, format!("retry: 1000\n{heartbeat}"));
    for _ in 0..10 {
        assert_eq!(stream.next_block().await.unwrap(), heartbeat);
    }
}

#[tokio::test]
async fn a_bad_parameter_is_named_in_the_problem() {
    let server = Server::start().await;
    for (path, parameter) in [
        ("/api/events?status=done", "status"),
        ("/api/events?limit=-1", "limit"),
        ("/api/events?limit=10000001", "limit"),
        ("/api/events?limit=1&limit=1", "limit"),
        ("/api/events?run_id=x", "run_id"),
        ("/api/events?run_id=", "run_id"),
        ("/api/events?run_id_prefix=", "run_id_prefix"),
        ("/api/events?run_id_prefix=7c-9e", "run_id_prefix"),
        ("/api/runs/x/events", "run_id"),
        ("/api/runs/%ff/events", "run_id"),
    ] {
        let problem = problem(server.get(path).await, 400).await;
        assert_eq!(problem["parameter"], parameter, "{path}");
    }
}
