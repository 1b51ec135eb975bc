//! The runs by id, and the least recently updated one.

use std::{
    hash::{BuildHasher as _, RandomState},
    ops::{Index, IndexMut},
};

use hashbrown::HashTable;
use slab::Slab;

use super::{
    entry::Kept,
    lru::{Place, Recency},
};
use crate::run::RunId;

/// How many tables find the places. They grow one at a time, so that no update waits for more than one.
const TABLES: usize = 256;

/// Every run, in one array, and what finds its place there. An update looks at few places in memory, and
/// most of them are close together, so that it costs little more with many runs than with few.
#[derive(Debug)]
pub(super) struct ById {
    runs: Slab<Kept>,
    places: [HashTable<Place>; TABLES],
    hasher: RandomState,
    recency: Recency,
}

impl ById {
    /// None, with room for so many: memory that nothing is written to is none yet.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            runs: Slab::with_capacity(capacity),
            places: [const { HashTable::new() }; TABLES],
            hasher: RandomState::new(),
            recency: Recency::with_capacity(capacity),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(super) fn find(&self, run_id: RunId) -> Option<Place> {
        let hash = self.hasher.hash_one(run_id);
        let is_it = |&place: &Place| self[place].id() == run_id;
        self.places[table(hash)].find(hash, is_it).copied()
    }

    pub(super) fn get(&self, run_id: RunId) -> Option<&Kept> {
        self.find(run_id).map(|place| &self[place])
    }

    /// The least recently updated.
    pub(super) fn oldest(&self) -> Option<&Kept> {
        self.recency.oldest().map(|place| &self[place])
    }

    /// Adds a run that is not there yet, as the most recently updated.
    pub(super) fn insert(&mut self, kept: Kept) -> Place {
        let hash = self.hasher.hash_one(kept.id());
        let place = Place::new(self.runs.insert(kept));
        let (runs, hasher) = (&self.runs, &self.hasher);
        let hash_of = |place: &Place| hasher.hash_one(runs[place.index()].id());
        self.places[table(hash)].insert_unique(hash, place, hash_of);
        self.recency.insert(place);
        place
    }

    /// Changes a run, which makes it the most recently updated unless the change fails.
    pub(super) fn update<T, E>(
        &mut self,
        place: Place,
        change: impl FnOnce(&mut Kept) -> Result<T, E>,
    ) -> Result<T, E> {
        // Of many runs neither the run nor its neighbours in the order are in a cache. This way all of them are
        // waited for at once.
        let older = self.recency.remove(place);
        let changed = change(&mut self[place]);
        match changed {
            Ok(_) => self.recency.insert(place),
            Err(_) => self.recency.insert_after(older, place),
        }
        changed
    }

    pub(super) fn remove_oldest(&mut self) -> Option<Kept> {
        let place = self.recency.oldest()?;
        self.recency.remove(place);
        let kept = self.runs.remove(place.index());
        let hash = self.hasher.hash_one(kept.id());
        let entry = self.places[table(hash)].find_entry(hash, |&other| other == place);
        entry.expect("what is kept is found").remove();
        Some(kept)
    }
}

impl Index<Place> for ById {
    type Output = Kept;

    fn index(&self, place: Place) -> &Kept {
        &self.runs[place.index()]
    }
}

impl IndexMut<Place> for ById {
    fn index_mut(&mut self, place: Place) -> &mut Kept {
        &mut self.runs[place.index()]
    }
}

/// The table that a hash belongs to, by bits that the table itself does not look at: it begins with the last
/// ones and the first seven.
const fn table(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::run::Timestamp;

    impl ById {
        /// All, the least recently updated first.
        pub(in crate::store) fn iter(&self) -> impl Iterator<Item = &Kept> {
            self.recency.iter().map(|place| &self[place])
        }
    }

    proptest! {
    #![proptest_config(crate::testing::proptest_config())]
        // More runs than there are tables, so that some of them grow.
        #[test]
        fn every_run_is_found_as_long_as_it_is_kept(
            steps in vec(option::weighted(0.8, 0_u16..300), 0..600),
        ) {
            let (mut runs, mut model) = (ById::with_capacity(10), Vec::new());
            for step in steps {
                let Some(n) = step else {
                    let oldest = (!model.is_empty()).then(|| model.remove(0));
                    prop_assert_eq!(runs.remove_oldest().map(|kept| kept.id()), oldest);
                    continue;
                };
                let id = format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap();
                if let Some(place) = runs.find(id) {
                    model.retain(|&other| other != id);
                    runs.update(place, |_| Ok::<_, ()>(())).unwrap();
                } else {
                    runs.insert(Kept::new(id, Timestamp::from_millis(0).unwrap()));
                }
                model.push(id);
            }
            prop_assert_eq!(runs.len(), model.len());
            prop_assert!(model.iter().all(|&id| runs.get(id).is_some_and(|kept| kept.id() == id)));
            prop_assert!(runs.iter().map(Kept::id).eq(model));
        }
    }
}
