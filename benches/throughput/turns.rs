//! Two servers that are loaded in turns, and what comes of it.

use std::time::Duration;

use crate::{
    load::{Done, Load, drive},
    machine::since,
    report::{median, quantile},
    servers::Server,
};

/// One of the two servers, and its load.
#[derive(Debug)]
pub(crate) struct Side<'s> {
    pub(crate) server: &'s Server,
    pub(crate) load: Load,
}

/// How many turns there are, and how long each is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turns {
    pub(crate) pairs: usize,
    pub(crate) length: Duration,
}

/// What one side did in its turns.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) turns: Vec<Done>,
    cpu: Option<Duration>,
}

impl Outcome {
    /// Requests a second, at the median.
    pub(crate) fn per_second(&self) -> f64 {
        median(self.turns.iter().map(Done::per_second))
    }

    pub(crate) fn responses(&self) -> u64 {
        self.turns.iter().map(|turn| turn.responses).sum()
    }

    /// Microseconds of CPU time that the server used for each request.
    pub(crate) fn cpu_per_request(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() * 1e6 / self.responses() as f64)
    }

    /// How long the turns took.
    pub(crate) fn took(&self) -> Duration {
        self.turns.iter().map(|turn| turn.took).sum()
    }

    /// CPU time of the server as a share of its turns.
    pub(crate) fn busy(&self) -> Option<f64> {
        Some(self.cpu?.as_secs_f64() / self.took().as_secs_f64())
    }

    /// A quantile of the latencies, in microseconds.
    pub(crate) fn latency(&self, q: f64) -> f64 {
        let all = self.turns.iter().flat_map(|turn| &turn.latencies);
        quantile(all.map(|&nanos| nanos as f64 / 1e3), q)
    }
}

/// Loads both sides in turns, in random order.
pub(crate) fn alternate(sides: &mut [Side<'_>; 2], turns: Turns) -> [Outcome; 2] {
    let turn = |_: usize, load: &mut Load| {
        let [done] = drive([load], turns.length);
        done
    };
    alternate_with(sides, turns.pairs, turn, |_| ())
}

/// The same with turns of another kind, and a pause after each.
pub(crate) fn alternate_with(
    sides: &mut [Side<'_>; 2],
    pairs: usize,
    mut turn: impl FnMut(usize, &mut Load) -> Done,
    pause: impl Fn(&Server),
) -> [Outcome; 2] {
    let mut outcomes = sides.each_ref().map(|_| Outcome {
        turns: Vec::new(),
        cpu: None,
    });
    // Over all turns, because the system counts the CPU time of a process only once it stops running.
    let cpu = sides.each_ref().map(|side| side.server.cpu());
    for _ in 0..pairs {
        let first = usize::from(fastrand::bool());
        for side in [first, 1 - first] {
            let Side { server, load } = &mut sides[side];
            outcomes[side].turns.push(turn(side, load));
            pause(server);
        }
    }
    for ((outcome, side), before) in outcomes.iter_mut().zip(sides).zip(cpu) {
        side.server.until_quiet();
        outcome.cpu = since(before, side.server.cpu());
    }
    outcomes
}

/// How many more requests the first serves than the second.
#[derive(Debug)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
    /// The smallest and the greatest of the medians of five parts of the run.
    pub(crate) blocks: [f64; 2],
}

impl Ratio {
    pub(crate) fn of([one, other]: &[Outcome; 2]) -> Self {
        let pairs = one.turns.iter().zip(&other.turns);
        let ratios: Vec<_> = pairs
            .map(|(one, other)| one.per_second() / other.per_second())
            .collect();
        let all = || ratios.iter().copied();
        let block = ratios.len().div_ceil(5);
        let blocks = || {
            ratios
                .chunks(block)
                .map(|block| median(block.iter().copied()))
        };
        Self {
            median: median(all()),
            quartiles: [quantile(all(), 0.25), quantile(all(), 0.75)],
            blocks: [quantile(blocks(), 0.0), quantile(blocks(), 1.0)],
        }
    }
}
