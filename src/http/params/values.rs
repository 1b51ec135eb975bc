//! The values of parameters.

use std::{fmt, marker::PhantomData, ops::RangeInclusive, str::FromStr, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};
use utoipa::ToSchema;

use crate::{
    run::{FromText, Timestamp, deserialize_from_text},
    store::Position,
};

/// How many runs a page holds, at most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 1, maximum = 500, default = 50)]
pub(in crate::http) struct Limit(pub(in crate::http) usize);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromStr for Limit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        whole_number(text, 1..=500).map(Self)
    }
}

impl FromText for Limit {
    const ACCEPTED: &'static str = "a whole number from 1 to 500";
}

/// How many of the present runs a stream sends, at most.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(minimum = 0, maximum = 10_000_000, default = 10_000_000)]
pub(in crate::http) struct SnapshotLimit(pub(in crate::http) usize);

impl SnapshotLimit {
    const MAX: usize = 10_000_000;
}

impl Default for SnapshotLimit {
    fn default() -> Self {
        Self(Self::MAX)
    }
}

impl FromStr for SnapshotLimit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        whole_number(text, 0..=Self::MAX).map(Self)
    }
}

impl FromText for SnapshotLimit {
    const ACCEPTED: &'static str = "a whole number from 0 to 10000000";
}

/// How long to wait for a run to be over, in seconds.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = u8, minimum = 0, maximum = 60)]
pub(in crate::http) struct Wait(pub(in crate::http) Duration);

impl FromStr for Wait {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds = whole_number(text, 0..=60)?;
        Ok(Self(Duration::from_secs(seconds as u64)))
    }
}

impl FromText for Wait {
    const ACCEPTED: &'static str = "a whole number of seconds from 0 to 60";
}

/// A position in the list, as text that clients send back without looking into it.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(
    value_type = String,
    pattern = "^[0-9]{1,14}[.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
)]
pub(in crate::http) struct Cursor(pub(in crate::http) Position);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { listed_at, run_id } = self.0;
        write!(f, "{}.{run_id}", listed_at.as_millis())
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, run_id) = text.split_once('.').ok_or(())?;
        let millis = millis.parse().map_err(|_| ())?;
        let listed_at = Timestamp::from_millis(millis).ok_or(())?;
        let run_id = run_id.parse().map_err(|_| ())?;
        Ok(Self(Position { listed_at, run_id }))
    }
}

impl FromText for Cursor {
    const ACCEPTED: &'static str = "the next_cursor of an earlier response";
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

deserialize_from_text!(Cursor, Limit, SnapshotLimit, Wait);

/// The values of a parameter that may be given several times.
#[derive(Debug)]
pub(in crate::http) struct Repeated<T, const MAX: usize>(pub(in crate::http) Vec<T>);

impl<T, const MAX: usize> Default for Repeated<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Repeated<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ValuesVisitor<T, MAX> {
            type Value = Repeated<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX} values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = values.next_element()? {
                    if all.len() == MAX {
                        return Err(A::Error::invalid_length(MAX + 1, &self));
                    }
                    all.push(value);
                }
                Ok(Repeated(all))
            }
        }

        deserializer.deserialize_seq(ValuesVisitor::<T, MAX>(PhantomData))
    }
}

fn whole_number(text: &str, accepted: RangeInclusive<usize>) -> Result<usize, ()> {
    let number = text.parse().map_err(|_| ())?;
    accepted.contains(&number).then_some(number).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_the_position_it_was_made_of() {
        let cursor = "1772366400007.7c9e6679-7425-40de-944b-e07fc1f90ae7";
        assert_eq!(cursor.parse::<Cursor>().unwrap().to_string(), cursor);
        for bad in [
            "",
            ".",
            "1",
            "x.7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "1.2",
        ] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
