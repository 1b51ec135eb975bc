//! When updates of a run were received.

use super::{Status, Timestamp};

/// When updates of a run were received. Updates arrive in any order, so these times need not be in order either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The first update.
    pub first: Timestamp,
    /// The last update.
    pub last: Timestamp,
    /// The first update that said the run was queued.
    pub queued: Option<Timestamp>,
    /// The first update that said it was processing.
    pub started: Option<Timestamp>,
    /// The first update that said it was over.
    pub ended: Option<Timestamp>,
}

impl Seen {
    /// One update that said this status, if any, received at this time.
    pub(super) const fn new(status: Option<Status>, at: Timestamp) -> Self {
        let mut seen = Self {
            first: at,
            last: at,
            queued: None,
            started: None,
            ended: None,
        };
        match status {
            None => {}
            Some(Status::Queued) => seen.queued = Some(at),
            Some(Status::Processing) => seen.started = Some(at),
            Some(Status::Completed | Status::Failed | Status::Cancelled) => seen.ended = Some(at),
        }
        seen
    }

    /// Keeps the later last, and the earlier of each other time. Returns whether anything but the last changed.
    pub(super) fn join(&mut self, other: Self) -> bool {
        let joined = Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            queued: earlier(self.queued, other.queued),
            started: earlier(self.started, other.started),
            ended: earlier(self.ended, other.ended),
        };
        self.last = joined.last;
        let changed = *self != joined;
        *self = joined;
        changed
    }
}

/// The earlier of the times that there are.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        run::Run,
        testing::{at, run_id, update},
    };

    /// Merges an update that says `status`. Returns whether anything but the time of the last update changed.
    fn merge(run: &mut Run, status: &str, millis: i64) -> bool {
        run.merge(
            &update(&format!(r#"{{"status":"{status}"}}"#)),
            at(millis),
            usize::MAX,
        )
        .changed
    }

    fn times(run: &Run) -> [Option<i64>; 3] {
        let seen = run.seen();
        [seen.queued, seen.started, seen.ended].map(|time| time.map(Timestamp::as_millis))
    }

    #[test]
    fn every_status_is_of_one_time() {
        for (statuses, expected) in [
            (&["not-started", "queued"][..], [Some(7), None, None]),
            (
                &["processing", "started", "running", "uploading"],
                [None, Some(7), None],
            ),
            (
                &["completed", "success", "failed", "timeout", "cancelled"],
                [None, None, Some(7)],
            ),
        ] {
            for status in statuses {
                let mut run = Run::new(run_id(0), at(7));
                assert_eq!(times(&run), [None; 3]);
                assert!(merge(&mut run, status, 7));
                assert_eq!(times(&run), expected, "{status}");
            }
        }
    }

    #[test]
    fn a_duplicate_or_a_late_update_moves_no_time() {
        let mut run = Run::new(run_id(0), at(1));
        for (status, millis) in [("queued", 1), ("started", 2), ("running", 3), ("failed", 4)] {
            merge(&mut run, status, millis);
        }
        assert_eq!(times(&run), [Some(1), Some(2), Some(4)]);
        for (status, millis) in [
            ("queued", 5),
            ("running", 6),
            ("not-started", 7),
            ("failed", 8),
        ] {
            assert!(!merge(&mut run, status, millis), "{status}");
        }
        assert_eq!(times(&run), [Some(1), Some(2), Some(4)]);
        assert!(merge(&mut run, "success", 9), "a greater end");
        assert_eq!(times(&run), [Some(1), Some(2), Some(4)]);
    }

    #[test]
    fn the_first_update_of_a_kind_sets_its_time_even_after_the_end() {
        let mut run = Run::new(run_id(0), at(1));
        merge(&mut run, "success", 1);
        assert!(merge(&mut run, "running", 2), "a stream has to tell");
        assert_eq!(times(&run), [None, Some(2), Some(1)]);
    }
}
