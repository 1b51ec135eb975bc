//! What updates make of a run, in both dialects and any order.

use serde_json::json;

use crate::harness::{DOCUMENTED_RUN, Server, WIRE_RUN, fixtures, run_id, update};

/// Every time of a run.
const TIMES: [&str; 5] = [
    "queued_at",
    "started_at",
    "ended_at",
    "first_seen_at",
    "last_seen_at",
];

#[tokio::test]
async fn updates_end_in_one_state_whether_in_order_or_backwards_with_duplicates() {
    let updates: Vec<String> = fixtures("wire-0")
        .into_iter()
        .chain(fixtures("wire-1"))
        .map(|(_, body)| body)
        .collect();
    assert_eq!(updates.len(), 10);
    let mut ends = Vec::new();
    for order in [updates.clone(), updates.iter().rev().cloned().collect()] {
        let server = Server::start().await;
        for body in order.iter().chain(&order[3..8]) {
            server.accept(body.clone()).await;
        }
        let mut end = server.run(WIRE_RUN).await;
        for time in TIMES {
            assert!(end[time].take().is_string(), "{time}");
        }
        ends.push(end);
    }
    assert_eq!(ends[0], ends[1]);
    let end = &ends[0];
    assert_eq!(end["status"], "completed");
    assert_eq!(end["platform_status"], "success");
    assert_eq!(end["progress"], 98);
    assert_eq!(end["outputs"].as_array().unwrap().len(), 3);
    let url = &end["outputs"][1]["data"]["images"][0]["url"];
    assert!(url.as_str().unwrap().contains("X-Amz-Signature"), "{url}");
}

#[tokio::test]
async fn outputs_are_shown_in_the_order_they_were_made_whatever_the_order_of_arrival() {
    let mut updates: Vec<String> = ["wire-05", "wire-06", "wire-08", "wire-10"]
        .into_iter()
        .flat_map(fixtures)
        .map(|(_, body)| body)
        .collect();
    assert_eq!(updates.len(), 4);
    for _ in 0..updates.len() {
        updates.rotate_left(1);
        let server = Server::start().await;
        for body in updates.iter().chain(updates.iter().rev()) {
            server.accept(body.clone()).await;
            let run = server.run(WIRE_RUN).await;
            let times = run["outputs"].as_array().unwrap().iter();
            let times: Vec<_> = times.map(|output| output["created_at"].as_str()).collect();
            assert!(times.is_sorted(), "{times:?}");
        }
        let run = server.run(WIRE_RUN).await;
        let id = |n: usize| run["outputs"][n]["id"].as_str();
        assert_eq!(id(0), Some("a8098c1a-f86e-11da-bd1a-00112444be1e"));
        assert_eq!(id(1), Some("3b241101-e2bb-4255-8caf-4136c566a962"));
        assert_eq!(id(2), Some("6fa459ea-ee8a-3ca4-894e-db77e160355e"));
    }
}

#[tokio::test]
async fn outputs_are_shown_byte_for_byte_as_received() {
    let server = Server::start().await;
    let output =
        r#"{ "id" : "x",  "n": 1.50E+2, "big":123456789012345678901234567890, "s":"\u0041\/" }"#;
    server
        .accept(format!(r#"{{"run_id":"{WIRE_RUN}","outputs":[{output}]}}"#))
        .await;
    let shown = server.get(&format!("/api/runs/{WIRE_RUN}")).await;
    let shown = shown.text().await.unwrap();
    assert!(
        shown.contains(&format!(r#""outputs":[{output}]"#)),
        "{shown}"
    );
}

#[tokio::test]
async fn every_status_is_shown_as_a_documented_one_beside_the_platforms_own() {
    let server = Server::start().await;
    for (n, (word, documented)) in [
        ("not-started", "queued"),
        ("queued", "queued"),
        ("started", "processing"),
        ("processing", "processing"),
        ("running", "processing"),
        ("uploading", "processing"),
        ("success", "completed"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("timeout", "failed"),
        ("cancelled", "cancelled"),
    ]
    .into_iter()
    .enumerate()
    {
        server.accept(update(n, word)).await;
        let run = server.run(&run_id(n)).await;
        assert_eq!(run["status"], documented);
        assert_eq!(run["platform_status"], word);
    }
}

#[tokio::test]
async fn the_documented_dialect_reads_progress_as_a_percentage() {
    let server = Server::start().await;
    for (name, body) in fixtures("documented-processing") {
        server.accept(body).await;
        assert_eq!(server.run(DOCUMENTED_RUN).await["progress"], 45, "{name}");
    }
    server
        .accept(format!(r#"{{"run_id":"{WIRE_RUN}","progress":0.5}}"#))
        .await;
    assert_eq!(server.run(WIRE_RUN).await["progress"], 0.5);
}

#[tokio::test]
async fn the_wire_dialect_reads_progress_as_a_fraction_which_may_run_over() {
    let server = Server::start().await;
    for (n, (sent, shown)) in [
        ("0.45", "45"),
        ("1.02", "100"),
        ("1.999", "100"),
        ("2", "2"),
        ("62.5", "62.5"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = run_id(n);
        server
            .accept(format!(
                r#"{{"event_type":"run.updated","run_id":"{id}","progress":{sent}}}"#
            ))
            .await;
        let progress = server.run(&id).await["progress"].to_string();
        assert_eq!(progress, shown, "{sent}");
    }
}

#[tokio::test]
async fn a_run_has_every_field_however_little_is_known_of_it() {
    let server = Server::start().await;
    server.accept(format!(r#"{{"run_id":"{WIRE_RUN}"}}"#)).await;
    let mut run = server.run(WIRE_RUN).await;
    for time in &TIMES[3..] {
        let time = run[time].take();
        let time = time.as_str().unwrap();
        assert_eq!(time.len(), "2026-03-01T12:00:00.007Z".len(), "{time}");
        assert!(time.ends_with('Z'), "{time}");
    }
    assert_eq!(
        run,
        json!({
            "run_id": WIRE_RUN, "status": null, "platform_status": null, "progress": null,
            "live_status": null, "outputs": [], "outputs_incomplete": false, "labels": {}, "queued_at": null, "started_at": null,
            "ended_at": null, "first_seen_at": null, "last_seen_at": null,
        })
    );
}

#[tokio::test]
async fn a_run_says_when_it_was_first_queued_processing_and_over() {
    let server = Server::start().await;
    let mut expected = json!({"queued_at": null, "started_at": null, "ended_at": null});
    let mut last_seen_at = json!(null);
    for (status, time) in [
        ("queued", "queued_at"),
        ("running", "started_at"),
        ("success", "ended_at"),
        // What is late or sent twice moves none of them.
        ("not-started", "queued_at"),
        ("uploading", "started_at"),
        ("success", "ended_at"),
    ] {
        // Sent again until it is received in a later millisecond than the one before.
        let before = last_seen_at.clone();
        while last_seen_at == before {
            server.accept(update(1, status)).await;
            let run = server.run(&run_id(1)).await;
            last_seen_at = run["last_seen_at"].clone();
            if expected[time].is_null() {
                expected[time] = last_seen_at.clone();
            }
            for (time, expected) in expected.as_object().unwrap() {
                assert_eq!(run[time], *expected, "{time} after {status}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_or_partial_list_of_outputs_erases_nothing() {
    let server = Server::start().await;
    for outputs in [r#"{"id":"a"},{"id":"b"}"#, "", r#"{"id":"c"}"#] {
        server
            .accept(format!(
                r#"{{"run_id":"{WIRE_RUN}","outputs":[{outputs}]}}"#
            ))
            .await;
    }
    let outputs = server.run(WIRE_RUN).await["outputs"].take();
    assert_eq!(outputs, json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]));
}
