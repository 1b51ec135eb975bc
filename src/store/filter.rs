//! Conditions on runs, and a compact form of them for the feed of changes.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use crate::run::{Label, Labels, Run, RunId, RunIdPrefix, Status};

/// Which runs a list or a stream is about: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    status: Option<Status>,
    /// Each of these.
    labels: BTreeSet<Label>,
    label_bits: LabelBits,
    /// One of these, if there are any.
    run_ids: BTreeSet<RunId>,
    run_id_prefix: Option<RunIdPrefix>,
}

impl Filter {
    /// Only runs of this status, if it is given.
    #[must_use]
    pub fn with_status(mut self, status: Option<Status>) -> Self {
        self.status = status;
        self
    }

    /// Only runs with each of these labels.
    #[must_use]
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = Label>) -> Self {
        self.labels = labels.into_iter().collect();
        self.label_bits = LabelBits::of(&self.labels);
        self
    }

    /// Only runs of these ids, where there are any.
    #[must_use]
    pub fn with_run_ids(mut self, run_ids: impl IntoIterator<Item = RunId>) -> Self {
        self.run_ids = run_ids.into_iter().collect();
        self
    }

    /// Only runs whose ids begin like this, if it is given.
    #[must_use]
    pub fn with_run_id_prefix(mut self, prefix: Option<RunIdPrefix>) -> Self {
        self.run_id_prefix = prefix;
        self
    }

    pub(super) const fn status(&self) -> Option<Status> {
        self.status
    }

    pub(super) const fn run_ids(&self) -> &BTreeSet<RunId> {
        &self.run_ids
    }

    /// Whether a run has all of its labels.
    pub(super) fn matches_labels(&self, run: &Run) -> bool {
        self.labels.iter().all(|label| run.labels().contains(label))
    }

    /// Whether a run meets all conditions.
    #[must_use]
    pub fn matches(&self, run: &Run) -> bool {
        self.matches_id_and_status(run.id(), run.status()) && self.matches_labels(run)
    }

    /// Whether a run with these traits can meet all conditions.
    pub(super) fn may_match(&self, run_id: RunId, traits: Traits) -> bool {
        self.matches_id_and_status(run_id, traits.status) && traits.labels.contains(self.label_bits)
    }

    fn matches_id_and_status(&self, run_id: RunId, status: Option<Status>) -> bool {
        (self.status.is_none() || self.status == status)
            && (self.run_ids.is_empty() || self.run_ids.contains(&run_id))
            && self
                .run_id_prefix
                .as_ref()
                .is_none_or(|prefix| prefix.is_of(run_id))
    }
}

/// What the feed of changes remembers of a run for filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    status: Option<Status>,
    labels: LabelBits,
}

impl Traits {
    pub(super) fn new(status: Option<Status>, labels: &Labels) -> Self {
        let labels = LabelBits::of(labels.iter());
        Self { status, labels }
    }
}

/// A set of labels in 32 bits, three of which each label sets (a Bloom filter). It never misses a label, but may seem
/// to contain one that it does not: the feed would take a lot of memory if it kept the labels themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct LabelBits(u32);

impl LabelBits {
    fn of<'a>(labels: impl IntoIterator<Item = &'a Label>) -> Self {
        labels.into_iter().fold(Self(0), |Self(bits), label| {
            let mut hasher = DefaultHasher::new();
            label.hash(&mut hasher);
            let hash = hasher.finish();
            let bit = |shift: u32| 1 << (hash >> shift & 31);
            Self(bits | bit(0) | bit(5) | bit(10))
        })
    }

    const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}
