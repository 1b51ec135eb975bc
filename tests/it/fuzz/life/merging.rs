//! What merging the updates of a life has to end in, whatever the order and the repetitions.

use comfydeploy_webhook::run::{PlatformStatus, Run};
use serde_json::value::RawValue;

use super::{
    Arrival,
    reading::{WORDS, greatest},
    run_id,
};

/// Gives what a life ends in that is not empty. Each half of it is checked as a life of its own.
pub(super) fn check(life: &[Arrival<'_>]) -> Run {
    let mut run = merged(life.iter());
    assert_shows(&run, life);
    assert_eq!(merged(life.iter().rev()), run, "the order shows");
    let again = merged(life.iter().chain(life.iter().rev()));
    assert_eq!(again, run, "the repetition shows");
    if let (early @ [_, ..], late) = life.split_at(life.len() / 2) {
        let (early, late) = (check(early), check(late));
        assert_eq!(joined(&early, &late), run);
        assert_eq!(joined(&late, &early), run);
    }
    assert!(!run.join(&run.clone()), "it knows all that it knows");
    run
}

fn joined(a: &Run, b: &Run) -> Run {
    let mut run = a.clone();
    run.join(b);
    run
}

fn merged<'a>(life: impl Iterator<Item = &'a Arrival<'a>>) -> Run {
    let mut life = life.peekable();
    let first = life.peek().unwrap();
    let mut run = Run::new(run_id(0), first.at);
    for arrival in life {
        merge(&mut run, arrival);
    }
    run
}

/// Merges, which has to say truly whether that changed more than the time the run was last seen.
fn merge(run: &mut Run, arrival: &Arrival<'_>) {
    let mut before = run.clone();
    let changed = run.merge(&arrival.update, arrival.at);
    before.join(&Run::new(run.id(), arrival.at.max(before.seen().first)));
    assert_eq!(changed, *run != before);
    assert!(run.heap_bytes() <= before.heap_bytes() + arrival.update.heap_bytes());
}

/// The run shows the greatest of everything that was said of it.
fn assert_shows(run: &Run, life: &[Arrival<'_>]) {
    let status = life.iter().filter_map(|arrival| arrival.said.status).max();
    let word = run.platform_status().map(PlatformStatus::word);
    assert_eq!(word, status.map(|place| WORDS[place]));
    let progress = life.iter().filter_map(|arrival| arrival.update.progress);
    assert_eq!(run.progress(), progress.max());
    let furthest = life.iter().map(|arrival| {
        let stage = arrival.said.status.map(stage);
        let live_status = arrival.said.live_status.as_deref();
        (stage, arrival.update.progress, live_status)
    });
    let (_, _, live_status) = furthest.max().unwrap();
    assert_eq!(run.live_status(), live_status);
    let times = || life.iter().map(|arrival| arrival.at);
    assert_eq!(Some(run.seen().first), times().min());
    assert_eq!(Some(run.seen().last), times().max());
    let shown = serde_json::to_string(run.outputs()).unwrap();
    let shown: Vec<&RawValue> = serde_json::from_str(&shown).unwrap();
    let shown: Vec<_> = shown.iter().map(|output| output.get()).collect();
    let said = life.iter().flat_map(|arrival| arrival.said.outputs());
    assert_eq!(shown, greatest(said));
    assert_eq!(shown.len(), run.outputs().len());
    let least = live_status.map_or(0, str::len) + shown.concat().len();
    assert!(run.heap_bytes() >= least);
}

/// The place of the first of the words for a stage: two of them have a word in each dialect.
fn stage(place: usize) -> usize {
    match WORDS[place] {
        "running" | "success" => place - 1,
        _ => place,
    }
}
