//! What has become of the runs and their updates so far.

use std::{fmt, time::Duration};

use super::{
    script::Ending,
    sender::{Delivery, Lost},
};

/// Counts. Shown, they are the line of progress.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: usize,
    updates: usize,
    pub(super) sent: usize,
    pub(super) delivered: usize,
    pub(super) lost: usize,
    pub(super) last_loss: Option<Lost>,
    repeats: usize,
    retries: usize,
    ended: Vec<Ending>,
}

impl Tally {
    pub(super) fn new(runs: usize, updates: usize) -> Self {
        Self {
            runs,
            updates,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, delivery: Delivery) {
        self.repeats += usize::from(delivery.step.is_repeat);
        self.retries += delivery.tries - 1;
        match delivery.outcome {
            Ok(()) => {
                self.delivered += 1;
                let ends = delivery.step.ends;
                self.ended.extend(ends.filter(|_| !delivery.step.is_repeat));
            }
            Err(loss) => {
                self.lost += 1;
                self.last_loss = Some(loss);
            }
        }
    }

    /// What there is to say at the end.
    pub(super) fn summary(&self, took: Duration, page: &str) -> String {
        let count = |ending| self.ended.iter().filter(|&&is| is == ending).count();
        let unfinished = match self.runs - self.ended.len() {
            0 => String::new(),
            some => format!(", {some} unfinished"),
        };
        let Self {
            sent,
            delivered,
            lost,
            repeats,
            retries,
            ..
        } = self;
        format!(
            "runs:    {} succeeded, {} failed, {} cancelled{unfinished}, in {:.1} s\n\
             updates: {sent} sent, {delivered} delivered, {lost} lost; {repeats} repeats, {retries} retries\n\
             page:    {page}\n",
            count(Ending::Succeeded),
            count(Ending::Failed),
            count(Ending::Cancelled),
            took.as_secs_f64(),
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} runs ended, {} of {} updates delivered",
            self.ended.len(),
            self.runs,
            self.delivered,
            self.updates
        )?;
        match self.lost {
            0 => Ok(()),
            lost => write!(f, ", {lost} lost"),
        }
    }
}
