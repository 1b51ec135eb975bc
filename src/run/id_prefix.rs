//! The beginning of an id.

use std::{ops::RangeInclusive, str::FromStr};

use utoipa::ToSchema;

use super::{FromText, RunId, deserialize_from_text};

/// The beginning of a run's id, with or without its hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, ToSchema)]
#[schema(
    value_type = String,
    pattern = "^([0-9A-Fa-f]{1,8}|[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){0,2}-?[0-9A-Fa-f]{0,4}\
               |[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{0,12})$",
    example = "7c9e6679"
)]
pub struct RunIdPrefix(
    /// All ids that begin like this: they lie side by side.
    RangeInclusive<RunId>,
);

impl RunIdPrefix {
    /// The digits of an id.
    const DIGITS: u32 = 32;

    /// Before which digits an id has a hyphen.
    const HYPHENS: [u32; 4] = [8, 12, 16, 20];

    /// Whether an id begins like this.
    #[must_use]
    pub fn is_of(&self, run_id: RunId) -> bool {
        self.0.contains(&run_id)
    }
}

impl FromStr for RunIdPrefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut digits = 0;
        let mut count = 0;
        let mut is_after_hyphen = false;
        for character in text.chars() {
            is_after_hyphen = match character.to_digit(16) {
                Some(digit) if count < Self::DIGITS => {
                    digits = digits << 4 | u128::from(digit);
                    count += 1;
                    false
                }
                None if character == '-' && Self::HYPHENS.contains(&count) && !is_after_hyphen => {
                    true
                }
                _ => return Err(()),
            };
        }
        if count == 0 {
            return Err(());
        }
        let bits_left = 4 * (Self::DIGITS - count);
        let first = digits << bits_left;
        let last = first | !(u128::MAX << bits_left);
        Ok(Self(RunId::from_u128(first)..=RunId::from_u128(last)))
    }
}

impl FromText for RunIdPrefix {
    const ACCEPTED: &'static str =
        "the beginning of a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7, at least one digit";
}

deserialize_from_text!(RunIdPrefix);

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[test]
    fn every_beginning_of_an_id_is_found_with_and_without_hyphens_and_in_upper_case() {
        let id: RunId = ID.parse().unwrap();
        for length in 1..=ID.len() {
            let prefix = &ID[..length];
            for prefix in [prefix, &prefix.replace('-', ""), &prefix.to_uppercase()] {
                let parsed: RunIdPrefix = prefix.parse().expect(prefix);
                assert!(parsed.is_of(id), "{prefix}");
            }
        }
    }

    #[test]
    fn an_id_that_differs_within_the_prefix_is_not_found() {
        let id: RunId = ID.parse().unwrap();
        for other in ["0", "8", "7d", "7c9e6679-7424", "c9e6679"] {
            assert!(!other.parse::<RunIdPrefix>().unwrap().is_of(id), "{other}");
        }
        for length in (1..=ID.len()).filter(|&length| &ID[length - 1..length] != "-") {
            let (same, last) = ID[..length].split_at(length - 1);
            let other = if last == "0" { "1" } else { "0" };
            let prefix = format!("{same}{other}");
            assert!(
                !prefix.parse::<RunIdPrefix>().unwrap().is_of(id),
                "{prefix}"
            );
        }
    }

    #[test]
    fn what_begins_no_id_is_rejected() {
        for bad in [
            "",
            "-",
            "-7c9e",
            "7c-9e",
            "7c9e66797-425",
            "7c9e6679--7425",
            "7c9e6679 ",
            "g",
            "٣",
            "7c9e6679-7425-40de-944b-e07fc1f90ae70",
            "7c9e6679-7425-40de-944b-e07fc1f90ae7-",
        ] {
            assert_eq!(bad.parse::<RunIdPrefix>(), Err(()), "{bad:?}");
        }
    }
}
