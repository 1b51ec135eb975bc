//! How streams go on: after a reconnect, and after a run that is no longer kept.

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Server, WEBHOOK, ids, run_id, update},
    sse::{Stream, events_of},
};

#[tokio::test]
async fn a_client_that_reconnects_receives_what_it_missed_and_no_more() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    server.accept(update(2, "queued")).await;
    let mut stream = Stream::open(&server, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    drop(stream);
    let mut back = Stream::after(&live, &server, "/api/events").await;
    server.accept(update(2, "running")).await;
    let (run, last) = back.next_run().await;
    assert_eq!(run["run_id"], run_id(2), "nothing was missed");
    drop(back);
    server.accept(update(3, "queued")).await;
    server.accept(update(2, "uploading")).await;
    server.accept(update(2, "success")).await;
    let mut back = Stream::after(&last.unwrap(), &server, "/api/events").await;
    let missed = [back.next_run().await.0, back.next_run().await.0];
    assert_eq!(ids(&missed), [run_id(3), run_id(2)]);
    assert_eq!(missed[1]["status"], "completed", "as it is now");
    server.accept(update(4, "queued")).await;
    assert_eq!(back.next_run().await.0["run_id"], run_id(4));
}

#[tokio::test]
async fn a_client_that_reconnects_too_late_receives_a_snapshot() {
    let server = Server::with_flags(&["--stream-backlog", "2"]).await;
    let mut stream = Stream::open(&server, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    drop(stream);
    for n in 1..=3 {
        server.accept(update(n, "queued")).await;
    }
    let mut late = Stream::after(&live, &server, "/api/events").await;
    let (runs, now) = late.snapshot("behind").await;
    assert_eq!(ids(&runs), [run_id(3), run_id(2), run_id(1)]);
    let mut in_time = Stream::after(&now, &server, "/api/events").await;
    server.accept(update(4, "queued")).await;
    assert_eq!(in_time.next_run().await.0["run_id"], run_id(4));
}

#[tokio::test]
async fn a_client_that_was_connected_to_another_process_receives_a_snapshot() {
    let (before, after) = (Server::start().await, Server::start().await);
    let mut stream = Stream::open(&before, "/api/events").await;
    let (_, live) = stream.snapshot("start").await;
    after.accept(update(1, "queued")).await;
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
async fn a_stream_does_not_resume_from_the_id_of_a_stream_with_another_filter() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let mut failed = Stream::open(&server, "/api/events?status=failed").await;
    let (_, live) = failed.snapshot("start").await;
    let mut all = Stream::after(&live, &server, "/api/events").await;
    let (runs, _) = all.snapshot("restart").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    let mut back = Stream::after(&live, &server, "/api/events?status=failed").await;
    server.accept(update(1, "failed")).await;
    assert_eq!(back.next_run().await.0["run_id"], run_id(1));
}

#[tokio::test]
async fn a_client_that_reconnects_to_a_run_receives_only_changes_and_always_the_end() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let (_, queued) = Stream::open(&server, &events_of(1)).await.next_run().await;
    let mut back = Stream::after(&queued.unwrap(), &server, &events_of(1)).await;
    server.accept(update(1, "success")).await;
    let (run, over) = back.next_run().await;
    assert_eq!(run["status"], "completed");
    drop(back);
    let mut back = Stream::after(&over.unwrap(), &server, &events_of(1)).await;
    assert_eq!(back.next().await.unwrap().name, "end");
}

#[tokio::test]
async fn a_run_that_is_no_longer_kept_is_sent_as_removed() {
    let server = Server::with_flags(&["--max-runs", "1"]).await;
    server.accept(update(1, "queued")).await;
    let mut all = Stream::open(&server, "/api/events").await;
    all.snapshot("start").await;
    let mut one = Stream::open(&server, &events_of(1)).await;
    one.next_run().await;
    server.accept(update(2, "queued")).await;
    assert_eq!(all.next_run().await.0["run_id"], run_id(2));
    for removed in [all.next_but_counts().await, one.next().await.unwrap()] {
        assert_eq!(removed.name, "removed");
        assert_eq!(removed.data, json!({"run_id": run_id(1)}));
    }
    server.accept(update(1, "success")).await;
    assert_eq!(one.next_run().await.0["status"], "completed");
}

#[tokio::test]
async fn a_run_that_begins_again_after_its_end_is_sent_to_a_client_that_knows_the_end() {
    let server = Server::with_flags(&["--max-runs", "1"]).await;
    for (n, status) in [(1, "success"), (2, "queued"), (1, "running")] {
        server.accept(update(n, status)).await;
    }
    let end = format!("end-{}", run_id(1));
    let mut stream = Stream::after(&end, &server, &events_of(1)).await;
    assert_eq!(stream.next_run().await.0["status"], "processing");
}

#[tokio::test]
async fn a_run_that_was_evicted_and_is_known_again_is_a_new_one_to_those_who_knew_it() {
    let server = Server::with_flags(&["--max-runs", "1"]).await;
    server.accept(update(1, "running")).await;
    let (_, known) = Stream::open(&server, &events_of(1)).await.next_run().await;
    let mut all = Stream::open(&server, "/api/events").await;
    let (_, live) = all.snapshot("start").await;
    drop(all);
    for (n, status) in [(2, "queued"), (1, "queued")] {
        server.accept(update(n, status)).await;
    }
    let removed = |n| json!({"run_id": run_id(n)});
    let mut one = Stream::after(&known.unwrap(), &server, &events_of(1)).await;
    let event = one.next().await.unwrap();
    assert_eq!((&*event.name, event.data), ("removed", removed(1)));
    assert_eq!(one.next_run().await.0["status"], "queued");
    let mut all = Stream::after(&live, &server, "/api/events").await;
    let event = all.next_but_counts().await;
    assert_eq!((&*event.name, event.data), ("removed", removed(1)));
    assert_eq!(all.next_run().await.0["status"], "queued");
}

#[tokio::test]
async fn an_id_of_another_streams_event_says_nothing_about_what_the_client_knows() {
    let server = Server::start().await;
    server.accept(update(1, "queued")).await;
    let (_, of_another) = Stream::open(&server, &events_of(1)).await.next_run().await;
    let of_another = of_another.unwrap();
    server.accept(update(1, "success")).await;
    let mut over = Stream::open(&server, &events_of(1)).await;
    over.next_run().await;
    let end = over.next().await.unwrap().id.unwrap();
    // The run of the stream is not known yet, and neither removed nor over.
    for (n, last) in [(2, &of_another), (3, &end)] {
        let mut stream = Stream::after(last, &server, &events_of(n)).await;
        server.accept(update(n, "queued")).await;
        assert_eq!(stream.next_run().await.0["run_id"], run_id(n));
    }
    let labelled = format!("{}?label=user:42", events_of(1));
    let mut stream = Stream::after(&of_another, &server, &labelled).await;
    let labelled = server.request(Method::POST, &format!("{WEBHOOK}?user=42"));
    let labelled = labelled.header("content-type", "application/json");
    let accepted = labelled.body(update(1, "success")).send().await.unwrap();
    assert_eq!(accepted.status(), 200);
    assert_eq!(stream.next_run().await.0["labels"], json!({"user": "42"}));
}
