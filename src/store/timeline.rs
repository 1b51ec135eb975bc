//! How long ago runs were updated, by a monotonic clock.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::changes::Revision;

/// The revisions that the store had reached at some times. Each update gives its run a new revision, which tells how long
/// ago that was: no run needs one more time for it.
///
/// The times that a run shows are those of the system's clock, which may be wrong for a while. If runs expired by them,
/// one run that was updated then could keep all others for years, or be gone at once.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The oldest first.
    points: VecDeque<(Instant, Revision)>,
    /// The revision of the last point that was too old.
    expired: Revision,
}

impl Timeline {
    /// Points within the retention time, about. Runs are kept longer by at most the time between two of them.
    const POINTS: u32 = 1024;

    pub(super) const fn new() -> Self {
        Self {
            points: VecDeque::new(),
            expired: Revision(0),
        }
    }

    /// Takes note that the store has reached the revision `head`. Returns a revision that it had reached longer than
    /// `retention` ago.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        retention: Duration,
        head: Revision,
    ) -> Revision {
        let is_older = |&(at, _): &(Instant, Revision), age| now.duration_since(at) > age;
        while let Some((_, revision)) = self.points.pop_front_if(|point| is_older(point, retention))
        {
            self.expired = revision;
        }
        let last = self.points.back();
        if last.is_none_or(|point| is_older(point, retention / Self::POINTS)) {
            self.points.push_back((now, head));
        }
        self.expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_too_old_a_thousandth_of_the_retention_time_and_two_minutes_late_at_most() {
        let (mut timeline, start) = (Timeline::new(), Instant::now());
        let retention = Duration::from_hours(7 * 24);
        for minute in 0..30 * 24 * 60 {
            let now = start + Duration::from_mins(minute);
            let Revision(expired) = timeline.advance(now, retention, Revision(minute));
            let due = minute.saturating_sub(7 * 24 * 60);
            assert!(
                due.saturating_sub(12) <= expired && expired <= due,
                "{minute}: {expired}"
            );
            assert!(timeline.points.len() <= 1025);
        }
    }
}
