//! Streams of runs that the store drops and that come back.

use reqwest::Method;
use serde_json::{Value, json};

use super::{report, server_of_one_run};
use crate::{
    harness::{Folder, Server, ids, run_id, update},
    sse::{Stream, events_of},
};

/// The events of a stream of one run up to its `end`: the name of each, or how the run is.
async fn until_end(stream: &mut Stream) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "end") {
        let event = stream.next().await.unwrap();
        seen.push(match &*event.name {
            "" => state(&event.data),
            name => name.to_owned(),
        });
    }
    assert_eq!(stream.next().await, None);
    // One that is evicted may be sent once more as it is.
    seen.dedup();
    seen
}

/// The live status of a run, or its status if it has none.
fn state(run: &Value) -> String {
    let live_status = run["live_status"].as_str();
    live_status.or(run["status"].as_str()).unwrap().to_owned()
}

fn running(n: usize, live_status: &str) -> String {
    json!({"run_id": run_id(n), "status": "running", "live_status": live_status}).to_string()
}

/// Evicts all other runs.
async fn evict_others(server: &Server, n: usize) {
    server.accept(update(n, "queued")).await;
}

#[tokio::test]
async fn the_stream_of_a_run_begins_with_it_though_it_is_in_the_database_alone() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    server.accept(running(1, "a")).await;
    evict_others(&server, 2).await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    assert_eq!(stream.next_run().await.0, server.run(&run_id(1)).await);
    server.accept(running(1, "b")).await;
    assert_eq!(stream.next_run().await.0["live_status"], "b");
    server.accept(update(1, "success")).await;
    assert_eq!(until_end(&mut stream).await, ["completed", "end"]);

    evict_others(&server, 2).await;
    let mut over = Stream::open(&server, &events_of(1)).await;
    assert_eq!(over.next_run().await.0["status"], "completed");
    let end = over.next().await.unwrap();
    assert_eq!(
        end.data,
        json!({"run_id": run_id(1), "status": "completed"})
    );
    let again = server.request(Method::GET, &events_of(1));
    let again = again.header("last-event-id", end.id.unwrap());
    assert_eq!(again.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn the_stream_of_a_run_that_is_evicted_and_comes_back_loses_no_change_and_says_nothing_of_it()
{
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    server.accept(running(1, "a")).await;
    let mut stream = Stream::open(&server, &events_of(1)).await;
    let (_, known) = stream.next_run().await;
    for now in ["b", "c", "d"] {
        evict_others(&server, 2).await;
        server.accept(running(1, now)).await;
        while state(&stream.next_run().await.0) != now {}
    }

    // A client that was away meanwhile.
    let mut back = Stream::after(&known.unwrap(), &server, &events_of(1)).await;
    evict_others(&server, 2).await;
    server.accept(update(1, "success")).await;
    for stream in [&mut stream, &mut back] {
        let seen = until_end(stream).await;
        assert!(
            seen.ends_with(&["completed".into(), "end".into()]),
            "{seen:?}"
        );
        assert!(!seen.contains(&"removed".into()), "{seen:?}");
    }
}

#[tokio::test]
async fn streams_of_all_runs_show_what_lists_show() {
    let folder = Folder::new();
    let server = server_of_one_run(&folder).await;
    report(&server, "user=42", running(1, "a")).await;
    let mut all = Stream::open(&server, "/api/events").await;
    let (runs, live) = all.snapshot("start").await;
    assert_eq!(ids(&runs), [run_id(1)]);
    evict_others(&server, 2).await;
    assert_eq!(all.next_run().await.0["run_id"], run_id(2));
    let removed = |n| ("removed".to_owned(), json!({"run_id": run_id(n)}));
    let event = all.next_but_counts().await;
    assert_eq!((event.name, event.data), removed(1));

    server.accept(update(1, "success")).await;
    let (run, _) = all.next_run().await;
    assert_eq!(run, server.run(&run_id(1)).await);
    assert_eq!(run["labels"], json!({"user": "42"}), "as it was");
    let event = all.next_but_counts().await;
    assert_eq!((event.name, event.data), removed(2));

    // To a client that was away meanwhile the run has only changed.
    let mut back = Stream::after(&live, &server, "/api/events").await;
    assert_eq!(back.next_run().await.0, run);
    loop {
        let event = back.next_but_counts().await;
        if event.name == "removed" {
            assert_eq!(event.data, json!({"run_id": run_id(2)}));
            break;
        }
        assert_eq!(event.data, run);
    }
}
