//! The state of a run: a join-semilattice, so that any order and any repetition of the same updates
//! ends in the same state.

use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::{Output, Outputs, PlatformStatus, Progress, RunId, Seen, Status, Timestamp, Update};
use crate::run::status::Stage;

/// All that is known of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    id: RunId,
    status: Option<PlatformStatus>,
    progress: Option<Progress>,
    furthest: Furthest<SmolStr>,
    outputs: Outputs,
    seen: Seen,
}

/// The furthest point of its life a run was seen at, and what it was busy with there.
#[derive(Debug, Clone, PartialEq)]
struct Furthest<T> {
    stage: Option<Stage>,
    progress: Option<Progress>,
    live_status: Option<T>,
}

impl<T: AsRef<str>> Furthest<T> {
    fn as_borrowed(&self) -> Furthest<&str> {
        Furthest {
            stage: self.stage,
            progress: self.progress,
            live_status: self.live_status.as_ref().map(AsRef::as_ref),
        }
    }
}

impl Furthest<&str> {
    /// What is compared, first things first. The live status is last: with all else equal one that
    /// says something beats one that says nothing, and the choice never depends on the order.
    fn key(&self) -> (Option<Stage>, Option<Progress>, Option<&str>) {
        (self.stage, self.progress, self.live_status)
    }
}

impl Run {
    /// A run of which nothing is known but that it was heard of.
    #[must_use]
    pub const fn new(id: RunId, at: Timestamp) -> Self {
        Self {
            id,
            status: None,
            progress: None,
            furthest: Furthest {
                stage: None,
                progress: None,
                live_status: None,
            },
            outputs: Outputs::new(),
            seen: Seen::at(at),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.id
    }

    /// The furthest status seen, in the platform's own word.
    #[must_use]
    pub const fn platform_status(&self) -> Option<PlatformStatus> {
        self.status
    }

    /// The furthest status seen, in the documented word.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.status.map(PlatformStatus::documented)
    }

    /// The greatest progress seen.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// What the run was busy with at the furthest point seen.
    #[must_use]
    pub fn live_status(&self) -> Option<&str> {
        self.furthest.live_status.as_deref()
    }

    /// Every output seen, each once, in its greatest version.
    #[must_use]
    pub const fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// When updates of it were received.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// Bytes of memory it takes beside this value itself, estimated.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.live_status().map_or(0, str::len) + self.outputs.heap_bytes()
    }

    /// Merges what `update`, received `at` this time, says of this run. Says whether anything but the
    /// time it was last seen changed.
    pub fn merge(&mut self, update: &Update<'_>, at: Timestamp) -> bool {
        let furthest = Furthest {
            stage: update.status.map(PlatformStatus::stage),
            progress: update.progress,
            live_status: update.live_status.as_deref(),
        };
        let outputs = update.outputs.iter().cloned();
        self.absorb(
            update.status,
            update.progress,
            &furthest,
            outputs,
            Seen::at(at),
        )
    }

    /// The join of two states of one run: the least state that knows all that either knows. Merging an
    /// update is joining the state it describes, without building that state; the laws are tested here.
    /// Says whether anything but the time it was last seen changed.
    pub fn join(&mut self, other: &Self) -> bool {
        let furthest = other.furthest.as_borrowed();
        self.absorb(
            other.status,
            other.progress,
            &furthest,
            other.outputs.iter(),
            other.seen,
        )
    }

    fn absorb<'o>(
        &mut self,
        status: Option<PlatformStatus>,
        progress: Option<Progress>,
        furthest: &Furthest<&str>,
        outputs: impl Iterator<Item = Output<&'o RawValue>>,
        seen: Seen,
    ) -> bool {
        let first_before = self.seen.first;
        self.seen.join(seen);
        let mut changed = self.seen.first != first_before;
        changed |= raise(&mut self.status, status);
        changed |= raise(&mut self.progress, progress);
        if furthest.key() > self.furthest.as_borrowed().key() {
            self.furthest = Furthest {
                stage: furthest.stage,
                progress: furthest.progress,
                live_status: furthest.live_status.map(SmolStr::new),
            };
            changed = true;
        }
        changed |= self.outputs.join(outputs);
        changed
    }
}

/// Keeps the greater; says whether that is the new one.
fn raise<T: Ord>(kept: &mut T, new: T) -> bool {
    let is_greater = new > *kept;
    if is_greater {
        *kept = new;
    }
    is_greater
}
