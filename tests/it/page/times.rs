//! How long a run waited and ran.

use serde_json::{Value, json};

use super::items::evaluate;

/// A run with times in seconds since a certain minute. None is unknown.
fn run(status: &str, times: [Option<u8>; 3]) -> Value {
    let [queued, started, ended] =
        times.map(|time| time.map(|second| format!("2026-03-01T13:00:{second:02}.000Z")));
    json!({ "status": status, "queued_at": queued, "started_at": started, "ended_at": ended })
}

/// Checks the seconds in the queue, the seconds at work, and the text of the row, 50 s after that minute.
#[track_caller]
fn assert_times(run: &Value, queued: Option<u8>, running: Option<u8>, text: &str) {
    let function = "(run) => {
        const now = Date.UTC(2026, 2, 1, 13, 0, 50);
        const { queued, running } = timesOf(run, now);
        const seconds = [queued, running].map((millis) => millis === null ? null : millis / 1000);
        return [...seconds, timesText(run, now)];
    }";
    if let Some(found) = evaluate(function, run) {
        assert_eq!(found, json!([queued, running, text]), "{run}");
    }
}

#[test]
fn durations_are_short_texts() {
    let millis = [
        0,
        840,
        1_000,
        9_990,
        34_900,
        59_999,
        60_000,
        125_000,
        3_599_999,
        3_600_000,
        3_780_000,
        86_400_000,
        187_200_000,
    ];
    let texts = [
        "0 s",
        "0.8 s",
        "1 s",
        "9.9 s",
        "34 s",
        "59 s",
        "1 min",
        "2 min 5 s",
        "59 min 59 s",
        "1 h",
        "1 h 3 min",
        "1 d",
        "2 d 4 h",
    ];
    let function = "(millis) => millis.map(formatDuration)";
    if let Some(found) = evaluate(function, &json!(millis)) {
        assert_eq!(found, json!(texts));
    }
}

#[test]
fn the_times_of_a_run_that_waits_or_works_count() {
    let waiting = run("queued", [Some(10), None, None]);
    assert_times(&waiting, Some(40), None, "queued 40 s");
    let working = run("processing", [Some(10), Some(16), None]);
    assert_times(&working, Some(6), Some(34), "running 34 s");
    let working = run("processing", [None, Some(16), None]);
    assert_times(&working, None, Some(34), "running 34 s");
    // The clock of the page is behind.
    let early = run("processing", [None, Some(55), None]);
    assert_times(&early, None, Some(0), "running 0 s");
}

#[test]
fn the_times_of_a_run_that_is_over_stay() {
    let completed = run("completed", [Some(10), Some(16), Some(20)]);
    assert_times(&completed, Some(6), Some(4), "took 4 s");
    let cancelled = run("cancelled", [Some(10), None, Some(20)]);
    assert_times(&cancelled, Some(10), None, "");
}

#[test]
fn a_time_is_unknown_where_an_update_came_late_or_never() {
    assert_times(&run("completed", [None, None, Some(20)]), None, None, "");
    assert_times(&run("failed", [Some(10), None, Some(20)]), None, None, "");
    // The start came after the end, and "queued" after the start.
    assert_times(
        &run("completed", [Some(10), Some(25), Some(20)]),
        None,
        None,
        "",
    );
    assert_times(
        &run("completed", [Some(18), Some(16), Some(20)]),
        None,
        Some(4),
        "took 4 s",
    );
    assert_times(&run("processing", [None, None, None]), None, None, "");
    assert_times(&run("queued", [None, None, None]), None, None, "");
    let malformed = json!({ "status": "processing", "queued_at": "+00Z", "started_at": "soon" });
    assert_times(&malformed, None, None, "");
}
