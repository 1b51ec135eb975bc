//! Which run is played when, and how each of them ends.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::script::{Ending, Run, Step, life};

/// Between the starts of the first runs, and between the last update of one run and the first of the next.
const APART: Duration = Duration::from_millis(1100);

/// So many runs are at work at a time; the others wait for their turn.
const AT_WORK: u32 = 4;

/// Every update of `runs` runs, played `speed` times as fast as usual from `now` on, in the order they are
/// sent in.
pub(super) fn schedule(
    runs: usize,
    speed: f64,
    now: Timestamp,
    mut new_id: impl FnMut() -> Uuid,
) -> Vec<Step> {
    let mut turns: BinaryHeap<_> = (0..AT_WORK).map(|place| Reverse(APART * place)).collect();
    let mut steps = Vec::new();
    for n in 0..runs {
        let Reverse(begins) = turns.pop().expect("a turn that was taken is given back");
        let run = Run {
            n: n as u64,
            id: new_id(),
            ending: ending(n, runs),
            begins: now + begins.div_f64(speed),
            speed,
        };
        let mut ends = begins;
        for mut step in life(&run) {
            step.at += begins;
            ends = ends.max(step.at);
            step.at = step.at.div_f64(speed);
            steps.push(step);
        }
        turns.push(Reverse(ends + APART));
    }
    steps.sort_by_key(|step| step.at);
    steps
}

/// Of three runs or more the second fails and the third is cancelled, early enough to be seen soon.
const fn ending(n: usize, runs: usize) -> Ending {
    match n {
        1 if runs >= 3 => Ending::Failed,
        2 if runs >= 3 => Ending::Cancelled,
        _ => Ending::Succeeded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings(runs: usize) -> Vec<Ending> {
        let steps = schedule(runs, 1.0, Timestamp::UNIX_EPOCH, Uuid::new_v4);
        let first_told = steps.iter().filter(|step| !step.is_repeat);
        first_told.filter_map(|step| step.ends).collect()
    }

    #[test]
    fn one_run_fails_and_one_is_cancelled_where_there_are_three_or_more() {
        for runs in [1, 2, 3, 8, 1000] {
            let endings = endings(runs);
            let count = |ending| endings.iter().filter(|&&is| is == ending).count();
            let others = usize::from(runs >= 3);
            assert_eq!(endings.len(), runs);
            assert_eq!(count(Ending::Failed), others, "{runs}");
            assert_eq!(count(Ending::Cancelled), others, "{runs}");
        }
    }

    #[test]
    fn the_updates_are_in_the_order_they_are_sent_in_and_speed_is_a_factor() {
        let [usual, fast] = [1.0, 10.0]
            .map(|speed| schedule(20, speed, Timestamp::UNIX_EPOCH, || Uuid::from_u128(1)));
        assert!(usual.is_sorted_by_key(|step| step.at));
        let [usual, fast] = [usual, fast].map(|steps| steps.last().unwrap().at);
        assert_eq!(usual.div_f64(10.0), fast);
    }

    #[test]
    fn about_four_runs_are_at_work_at_a_time() {
        let steps = schedule(40, 1.0, Timestamp::UNIX_EPOCH, Uuid::new_v4);
        let whole = steps.last().unwrap().at;
        assert!(whole > Duration::from_secs(40 * 10 / 4), "{whole:?}");
        assert!(whole < Duration::from_secs(40 * 20 / 4), "{whole:?}");
    }
}
