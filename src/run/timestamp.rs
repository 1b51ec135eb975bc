//! An instant.

use std::{fmt, num::NonZeroI64, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// An instant in whole milliseconds, shown as RFC 3339 in UTC.
// Stored as the milliseconds plus SHIFT, which are never 0, so an Option takes no extra memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:07.000Z")]
pub struct Timestamp(NonZeroI64);

impl Timestamp {
    /// Greater than the milliseconds from any date to 1970.
    const SHIFT: i64 = 1 << 60;

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
        self.0.get() - Self::SHIFT
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        let shifted = NonZeroI64::new(at.as_millisecond() + Self::SHIFT);
        Self(shifted.expect("no date is as long before 1970 as SHIFT milliseconds"))
    }
}

/// Reads what is shown.
impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(Self::from)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.as_millis())
            .expect("every Timestamp is made from a jiff::Timestamp, so it is in range");
        write!(f, "{at:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

    #[test]
    fn every_timestamp_is_its_milliseconds_and_optional_without_extra_memory() {
        let millis = [-377_705_023_201_000, -1, 0, 1, 253_402_207_200_000];
        let at = millis.map(|millis| Timestamp::from_millis(millis).unwrap());
        assert_eq!(at.map(Timestamp::as_millis), millis);
        assert_eq!(
            at.map(|at| at.to_string().parse::<Timestamp>().unwrap()),
            at
        );
        assert!(at.is_sorted());
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<i64>());
    }
}
