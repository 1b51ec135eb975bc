//! Checks merging: the state has to be what the model says, in any order and with any repetition.

use comfydeploy_webhook::run::{PlatformStatus, Run, Seen};
use serde_json::value::RawValue;

use super::{
    Received,
    reference::{self, ReferenceUpdate, WORDS, kept},
    run_id,
};

/// Returns the run after these updates, of which there is at least one. Each half is checked by itself,
/// too.
pub(super) fn check(updates: &[Received<'_>], max_output_bytes: usize) -> Run {
    let joined = |a: &Run, b: &Run| {
        let mut run = a.clone();
        run.join(b, max_output_bytes);
        run
    };
    let mut run = merged(updates.iter(), max_output_bytes);
    assert_shows(&run, updates, max_output_bytes);
    let reversed = merged(updates.iter().rev(), max_output_bytes);
    assert_eq!(reversed, run, "the order matters");
    let again = updates.iter().chain(updates.iter().rev());
    let again = merged(again, max_output_bytes);
    assert_eq!(again, run, "a repetition changes something");
    if let (early @ [_, ..], late) = updates.split_at(updates.len() / 2) {
        let [early, late] = [early, late].map(|half| check(half, max_output_bytes));
        assert_eq!(joined(&early, &late), run);
        assert_eq!(joined(&late, &early), run);
    }
    assert!(
        !run.join(&run.clone(), max_output_bytes).changed,
        "joining a state with itself changes something"
    );
    run
}

fn merged<'a>(updates: impl Iterator<Item = &'a Received<'a>>, max_output_bytes: usize) -> Run {
    let mut updates = updates.peekable();
    let first = updates.peek().unwrap();
    let mut run = Run::new(run_id(0), first.at);
    for received in updates {
        merge(&mut run, received, max_output_bytes);
    }
    run
}

/// Merges. The result has to say whether anything but the time of the last update changed.
fn merge(run: &mut Run, received: &Received<'_>, max_output_bytes: usize) {
    let mut before = run.clone();
    let merged = run.merge(&received.update, received.at, max_output_bytes);
    let seen_last = Run::new(run.id(), received.at.max(before.seen().first));
    before.join(&seen_last, max_output_bytes);
    assert_eq!(merged.changed, *run != before);
    assert!(merged.outputs_left_out == 0 || run.outputs().is_incomplete());
}

/// Asserts that the run shows the greatest of everything the updates said.
fn assert_shows(run: &Run, updates: &[Received<'_>], max_output_bytes: usize) {
    let status = updates
        .iter()
        .filter_map(|received| received.expected.status)
        .max();
    let word = run.platform_status().map(PlatformStatus::word);
    assert_eq!(word, status.map(|index| WORDS[index]));
    let progress = updates
        .iter()
        .filter_map(|received| received.update.progress);
    assert_eq!(run.progress(), progress.max());
    let furthest = updates.iter().map(|received| {
        let stage = received.expected.status.map(stage);
        let live_status = received.expected.live_status.as_deref();
        (stage, received.update.progress, live_status)
    });
    let (_, _, live_status) = furthest.max().unwrap();
    assert_eq!(run.live_status(), live_status);
    assert_times(run.seen(), updates);
    let shown = serde_json::to_string(run.outputs()).unwrap();
    let shown: Vec<&RawValue> = serde_json::from_str(&shown).unwrap();
    let shown: Vec<_> = shown.iter().map(|output| output.get()).collect();
    let all = || updates.iter().map(|received| &received.expected);
    let (kept, left_out) = kept(all().flat_map(ReferenceUpdate::outputs), max_output_bytes);
    assert_eq!(shown, reference::shown(kept.into_iter()));
    let is_incomplete = left_out || all().any(|update| update.outputs_left_out > 0);
    assert_eq!(run.outputs().is_incomplete(), is_incomplete);
    assert_eq!(shown.len(), run.outputs().len());
    let least = live_status.map_or(0, str::len) + shown.concat().len();
    assert!(run.heap_bytes() >= least);
}

fn assert_times(seen: Seen, updates: &[Received<'_>]) {
    let times = || updates.iter().map(|received| received.at);
    assert_eq!(Some(seen.first), times().min());
    assert_eq!(Some(seen.last), times().max());
    let first = |words: &[&str]| {
        let said = |index: usize| words.contains(&WORDS[index]);
        let saying = updates
            .iter()
            .filter(|received| received.expected.status.is_some_and(said));
        saying.map(|received| received.at).min()
    };
    assert_eq!(seen.queued, first(&["not-started", "queued"]));
    assert_eq!(
        seen.started,
        first(&["started", "processing", "running", "uploading"])
    );
    let ends = ["cancelled", "timeout", "failed", "completed", "success"];
    assert_eq!(seen.ended, first(&ends));
}

/// The index of the first word for the same stage: two stages have a word in each dialect.
fn stage(index: usize) -> usize {
    match WORDS[index] {
        "running" | "success" => index - 1,
        _ => index,
    }
}
