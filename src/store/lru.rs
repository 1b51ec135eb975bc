//! The order of the runs' last updates.

/// Where a run is kept, until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("there are at most 10,000,000 runs"))
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// No place: the end of the order.
const NONE: Place = Place(u32::MAX);

/// Places in the order in which they were used. It is a list that is linked both ways, and apart from the
/// runs, so that who moves one looks at no other run.
#[derive(Debug)]
pub(super) struct Recency {
    links: Vec<Link>,
    oldest: Place,
    newest: Place,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    older: Place,
    newer: Place,
}

impl Recency {
    /// None, with room for so many.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            links: Vec::with_capacity(capacity),
            oldest: NONE,
            newest: NONE,
        }
    }

    /// The least recently used.
    pub(super) fn oldest(&self) -> Option<Place> {
        Some(self.oldest).filter(|&place| place != NONE)
    }

    /// Adds a place as the most recently used. It is the next that there has not been yet, or one that was
    /// removed.
    pub(super) fn insert(&mut self, place: Place) {
        if place.index() == self.links.len() {
            self.links.push(Link {
                older: NONE,
                newer: NONE,
            });
        }
        self.insert_after(self.newest, place);
    }

    /// Adds a place that was removed as the one that was used next after `older`.
    pub(super) fn insert_after(&mut self, older: Place, place: Place) {
        let newer = match older {
            NONE => self.oldest,
            older => self.links[older.index()].newer,
        };
        self.join(older, place);
        self.join(place, newer);
    }

    /// Removes a place. Gives the one after which it was used.
    pub(super) fn remove(&mut self, place: Place) -> Place {
        let Link { older, newer } = self.links[place.index()];
        self.join(older, newer);
        older
    }

    /// Makes one follow the other; either may be an end.
    fn join(&mut self, older: Place, newer: Place) {
        match older {
            NONE => self.oldest = newer,
            place => self.links[place.index()].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            place => self.links[place.index()].older = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    impl Recency {
        /// All, the least recently used first.
        pub(in crate::store) fn iter(&self) -> impl Iterator<Item = Place> {
            self.walk(self.oldest, |link| link.newer)
        }

        fn walk(&self, first: Place, next: fn(&Link) -> Place) -> impl Iterator<Item = Place> {
            let is_one = |place: &Place| *place != NONE;
            let next = move |place: &Place| Some(next(&self.links[place.index()])).filter(is_one);
            successors(Some(first).filter(is_one), next)
        }
    }

    proptest! {
    #![proptest_config(crate::testing::proptest_config())]
        #[test]
        fn the_order_is_that_of_the_last_uses_in_both_directions(
            steps in vec((option::weighted(0.7, 0_usize..9), any::<bool>()), 0..100),
        ) {
            let (mut recency, mut model) = (Recency::with_capacity(3), Vec::<Place>::new());
            for (step, is_used) in steps {
                let places = recency.links.len();
                match step.map(|n| Place::new(n.min(places))) {
                    None => {
                        prop_assert_eq!(recency.oldest(), model.first().copied());
                        if let Some(place) = recency.oldest() {
                            recency.remove(place);
                            model.remove(0);
                        }
                    }
                    Some(place) if model.contains(&place) => {
                        let older = recency.remove(place);
                        if is_used {
                            recency.insert(place);
                            model.retain(|&other| other != place);
                            model.push(place);
                        } else {
                            recency.insert_after(older, place);
                        }
                    }
                    Some(place) => {
                        recency.insert(place);
                        model.push(place);
                    }
                }
            }
            prop_assert!(recency.iter().eq(model.iter().copied()));
            let backwards = recency.walk(recency.newest, |link| link.older);
            prop_assert!(backwards.eq(model.into_iter().rev()));
        }
    }
}
