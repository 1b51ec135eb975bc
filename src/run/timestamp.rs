//! When updates of a run were received.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// An instant in whole milliseconds, shown as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:07.000Z")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `millis` milliseconds after 1970-01-01T00:00:00Z. `None` if no calendar date
    /// exists for it.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis)
            .ok()
            .map(Self::from)
    }

    /// Milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at.as_millisecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0)
            .expect("every Timestamp is made from a jiff::Timestamp, so it is in range");
        write!(f, "{at:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// When the first and the last update of a run were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When the first update was received.
    pub first: Timestamp,
    /// When the last update was received.
    pub last: Timestamp,
}

impl Seen {
    /// One update, received at this time.
    #[must_use]
    pub const fn at(at: Timestamp) -> Self {
        Self {
            first: at,
            last: at,
        }
    }

    /// Keeps the earlier first and the later last.
    pub(super) fn join(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_shown_in_utc_with_milliseconds() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_772_366_400_007, "2026-03-01T12:00:00.007Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
    }
}
