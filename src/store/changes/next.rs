//! What a change is to a subscriber.

use super::{Change, Kind, Revision};
use crate::{
    run::{Run, RunId, Status},
    store::runs::Runs,
};

/// Changes that one call of [`Runs::news`] looks at, at the most, so that the lock is held for microseconds.
const NEWS_BATCH: usize = 1024;

/// What a subscriber is told next.
#[derive(Debug)]
pub(in crate::store) struct News {
    /// Where to go on from.
    pub(in crate::store) revision: Revision,
    /// What to tell; nothing where what changed did not concern the subscriber.
    pub(in crate::store) told: Option<Told>,
}

/// What became of a run.
#[derive(Debug)]
pub(in crate::store) enum Told {
    /// It is this now.
    Run(Run),
    /// It is no longer kept.
    Removed(RunId),
}

/// More has changed than is remembered.
#[derive(Debug)]
pub(in crate::store) struct Forgotten;

impl Runs {
    pub(in crate::store) fn news(
        &self,
        since: Revision,
        status: Option<Status>,
    ) -> Result<Option<News>, Forgotten> {
        let mut looked_at = None;
        let changes = self.feed.after(since).ok_or(Forgotten)?;
        for (revision, change) in changes.take(NEWS_BATCH) {
            let told = self.told(change, status);
            let is_told = told.is_some();
            looked_at = Some(News { revision, told });
            if is_told {
                break;
            }
        }
        Ok(looked_at)
    }

    /// What a change is to one who follows the runs of that status, or all. A run that leaves the status
    /// is told once more, and one that changes again is told when it last did.
    fn told(&self, change: &Change, status: Option<Status>) -> Option<Told> {
        let follows_all = status.is_none();
        let leaves = !follows_all && change.left == status;
        let concerns = leaves
            || match change.kind {
                Kind::Update => follows_all || change.status == status,
                Kind::Superseded => false,
                Kind::Removal => follows_all,
            };
        if !concerns {
            return None;
        }
        let kept = self.by_id.get(change.run_id);
        Some(match kept.filter(|_| change.kind != Kind::Removal) {
            Some(kept) => Told::Run(kept.run.clone()),
            // Removed now, or since it left the status, which is told to those who follow the other one.
            None => Told::Removed(change.run_id),
        })
    }
}
