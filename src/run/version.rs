//! The order of the versions of one output.

use std::cmp::Ordering;

use super::signing::latest_date;

/// A version of an output. Compared by `updated_at`, which may be malformed and so is compared as text; then by the
/// latest date of its signed URLs, since fresh URLs come with the same `updated_at`; then by its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'o> {
    pub(super) updated_at: &'o str,
    pub(super) json: &'o str,
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let updated_at = self.updated_at.cmp(other.updated_at);
        updated_at.then_with(|| match self.json.cmp(other.json) {
            Ordering::Equal => Ordering::Equal,
            // The dates are seldom needed: to look for them takes time for each byte.
            by_bytes => latest_date(self.json)
                .cmp(&latest_date(other.json))
                .then(by_bytes),
        })
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Version<'_> {}
