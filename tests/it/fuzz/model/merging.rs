//! Checks merging: the state has to be what the model says, in any order and with any repetition.

use comfydeploy_webhook::run::{PlatformStatus, Run, Seen};
use serde_json::value::RawValue;

use super::{
    Received,
    reference::{self, WORDS, greatest},
    run_id,
};

/// Returns the run after these updates, of which there is at least one. Each half is checked by itself,
/// too.
pub(super) fn check(updates: &[Received<'_>]) -> Run {
    let mut run = merged(updates.iter());
    assert_shows(&run, updates);
    assert_eq!(merged(updates.iter().rev()), run, "the order matters");
    let again = merged(updates.iter().chain(updates.iter().rev()));
    assert_eq!(again, run, "a repetition changes something");
    if let (early @ [_, ..], late) = updates.split_at(updates.len() / 2) {
        let (early, late) = (check(early), check(late));
        assert_eq!(joined(&early, &late), run);
        assert_eq!(joined(&late, &early), run);
    }
    assert!(
        !run.join(&run.clone()).changed,
        "joining a state with itself changes something"
    );
    run
}

fn joined(a: &Run, b: &Run) -> Run {
    let mut run = a.clone();
    run.join(b);
    run
}

fn merged<'a>(updates: impl Iterator<Item = &'a Received<'a>>) -> Run {
    let mut updates = updates.peekable();
    let first = updates.peek().unwrap();
    let mut run = Run::new(run_id(0), first.at);
    for received in updates {
        merge(&mut run, received);
    }
    run
}

/// Merges. The result has to say whether anything but the time of the last update changed.
fn merge(run: &mut Run, received: &Received<'_>) {
    let mut before = run.clone();
    let changed = run.merge(&received.update, received.at).changed;
    before.join(&Run::new(run.id(), received.at.max(before.seen().first)));
    assert_eq!(changed, *run != before);
    assert!(run.heap_bytes() <= before.heap_bytes() + received.update.heap_bytes());
}

/// Asserts that the run shows the greatest of everything the updates said.
fn assert_shows(run: &Run, updates: &[Received<'_>]) {
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
    let expected = updates
        .iter()
        .flat_map(|received| received.expected.outputs());
    assert_eq!(shown, reference::shown(greatest(expected)));
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
