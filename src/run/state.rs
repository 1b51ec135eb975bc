//! The state of a run: a join-semilattice. Any order and any repetition of the same updates gives the
//! same state.

use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{
    Labels, Output, Outputs, PlatformStatus, Progress, RunId, Seen, Status, Timestamp, Update,
    outputs::Others,
};
use crate::memory::shared_bytes;

/// All that is known about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    id: RunId,
    platform_status: Option<PlatformStatus>,
    progress: Option<Progress>,
    furthest: Furthest<SmolStr>,
    outputs: Outputs,
    labels: Labels,
    seen: Seen,
}

/// What there is to know of a run, to keep it elsewhere and to make the same run of it again.
#[derive(Debug, Clone)]
pub struct RunParts {
    /// Its id.
    pub id: RunId,
    /// The furthest status seen.
    pub platform_status: Option<PlatformStatus>,
    /// The greatest progress seen.
    pub progress: Option<Progress>,
    /// The progress at the furthest point seen, which may be less.
    pub furthest_progress: Option<Progress>,
    /// The live status at the furthest point seen.
    pub live_status: Option<SmolStr>,
    /// Every output seen.
    pub outputs: Outputs,
    /// Its labels.
    pub labels: Labels,
    /// When its updates were received.
    pub seen: Seen,
}

/// What an update did to its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Whether anything but the time of the last update changed.
    pub changed: bool,
    /// Outputs for which the run has no room.
    pub outputs_left_out: usize,
    /// Labels for which the run has no room, or that are too long.
    pub labels_left_out: usize,
}

impl Merged {
    /// The same, with what was left out before.
    #[must_use]
    pub const fn and_left_out(self, before: Self) -> Self {
        Self {
            outputs_left_out: self.outputs_left_out + before.outputs_left_out,
            labels_left_out: self.labels_left_out + before.labels_left_out,
            ..self
        }
    }
}

/// The furthest point a run has reached within the stage of its status, and the live status that came with it.
// Compared in this order. The live status breaks ties, so that the result never depends on the order of updates: any
// text is greater than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Furthest<T> {
    progress: Option<Progress>,
    live_status: Option<T>,
}

impl<T: AsRef<str>> Furthest<T> {
    fn as_borrowed(&self) -> Furthest<&str> {
        Furthest {
            progress: self.progress,
            live_status: self.live_status.as_ref().map(AsRef::as_ref),
        }
    }
}

impl Run {
    /// A run about which only the time of an update is known.
    #[must_use]
    pub const fn new(id: RunId, at: Timestamp) -> Self {
        Self {
            id,
            platform_status: None,
            progress: None,
            furthest: Furthest {
                progress: None,
                live_status: None,
            },
            outputs: Outputs::new(),
            labels: Labels::new(),
            seen: Seen::new(None, at),
        }
    }

    /// The run as one update describes it, received `at` this time, and what that left out of the update.
    #[must_use]
    pub fn described_by(
        run_id: RunId,
        update: &Update<'_>,
        at: Timestamp,
        max_output_bytes: usize,
    ) -> (Self, Merged) {
        let mut run = Self::new(run_id, at);
        let merged = run.merge(update, at, max_output_bytes);
        (run, merged)
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.id
    }

    /// The furthest status seen, in ComfyDeploy's own word.
    #[must_use]
    pub const fn platform_status(&self) -> Option<PlatformStatus> {
        self.platform_status
    }

    /// The furthest status seen, in the documented word.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.platform_status.map(PlatformStatus::documented)
    }

    /// The greatest progress seen.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// The live status at the furthest point seen.
    #[must_use]
    pub fn live_status(&self) -> Option<&str> {
        self.furthest.live_status.as_deref()
    }

    /// Every output seen, once, in its greatest version.
    #[must_use]
    pub const fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Whose run it is, and what else the query of the webhook's URL said.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// When its updates were received.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// Bytes of memory it takes beside this value itself, estimated.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.live_status()
            .map_or(0, |text| shared_bytes(text.len()))
            + self.outputs.heap_bytes()
            + self.labels.heap_bytes()
    }

    /// Merges an update received `at` this time. Of its outputs it leaves out those for which there is no room in
    /// `max_output_bytes` of memory.
    pub fn merge(&mut self, update: &Update<'_>, at: Timestamp, max_output_bytes: usize) -> Merged {
        let said = Said {
            platform_status: update.status,
            progress: update.progress,
            furthest: Furthest {
                progress: update.progress,
                live_status: update.live_status.as_deref(),
            },
            labels: &update.labels,
            seen: Seen::new(update.status.map(PlatformStatus::documented), at),
        };
        let mut merged = self.join_parts(&said, update.outputs.as_others(), max_output_bytes);
        merged.outputs_left_out += update.outputs.left_out;
        merged.labels_left_out += update.labels_left_out;
        merged
    }

    /// Joins another state of the same run: the result is the least state that holds all that both hold.
    ///
    /// [`Run::merge`] joins the state that an update describes without building that state. This is the operation whose
    /// laws the tests check.
    pub fn join(&mut self, other: &Self, max_output_bytes: usize) -> Merged {
        let said = Said {
            platform_status: other.platform_status,
            progress: other.progress,
            furthest: other.furthest.as_borrowed(),
            labels: &other.labels,
            seen: other.seen,
        };
        self.join_parts(&said, other.outputs.as_others(), max_output_bytes)
    }

    fn join_parts<'o>(
        &mut self,
        said: &Said<'_>,
        outputs: Others<'o, impl Iterator<Item = Output<&'o RawValue>>>,
        max_output_bytes: usize,
    ) -> Merged {
        let mut changed = self.seen.join(said.seen);
        let stage = |status: Option<PlatformStatus>| status.map(PlatformStatus::stage);
        let known = (stage(self.platform_status), self.furthest.as_borrowed());
        if (stage(said.platform_status), said.furthest) > known {
            self.furthest = Furthest {
                progress: said.furthest.progress,
                live_status: said.furthest.live_status.map(SmolStr::new),
            };
            changed = true;
        }
        changed |= keep_max(&mut self.platform_status, said.platform_status);
        changed |= keep_max(&mut self.progress, said.progress);
        let outputs = self.outputs.join(outputs, max_output_bytes);
        let (new_labels, labels_left_out) = self.labels.join(said.labels);
        Merged {
            changed: changed || outputs.changed || new_labels,
            outputs_left_out: outputs.left_out,
            labels_left_out,
        }
    }
}

impl From<&Run> for RunParts {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id,
            platform_status: run.platform_status,
            progress: run.progress,
            furthest_progress: run.furthest.progress,
            live_status: run.furthest.live_status.clone(),
            outputs: run.outputs.clone(),
            labels: run.labels.clone(),
            seen: run.seen,
        }
    }
}

impl From<RunParts> for Run {
    fn from(parts: RunParts) -> Self {
        Self {
            id: parts.id,
            platform_status: parts.platform_status,
            progress: parts.progress,
            furthest: Furthest {
                progress: parts.furthest_progress,
                live_status: parts.live_status,
            },
            outputs: parts.outputs,
            labels: parts.labels,
            seen: parts.seen,
        }
    }
}

/// What an update or a state says of a run, beside its outputs.
struct Said<'a> {
    platform_status: Option<PlatformStatus>,
    progress: Option<Progress>,
    furthest: Furthest<&'a str>,
    labels: &'a Labels,
    seen: Seen,
}

/// Keeps the greater value. Returns whether it is the new one.
fn keep_max<T: Ord>(kept: &mut T, new: T) -> bool {
    let is_greater = new > *kept;
    if is_greater {
        *kept = new;
    }
    is_greater
}
