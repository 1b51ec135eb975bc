//! The id of a run.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::{Uuid, fmt::Hyphenated};

use super::{FromText, deserialize_from_text};

/// A run's id: a UUID in its hyphenated form of 36 characters, the only form ComfyDeploy sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = Uuid, example = "7c9e6679-7425-40de-944b-e07fc1f90ae7")]
pub struct RunId(Uuid);

impl RunId {
    /// The least of all.
    pub const MIN: Self = Self(Uuid::nil());

    /// The id whose 32 digits are those of a number.
    pub(super) const fn from_u128(digits: u128) -> Self {
        Self(Uuid::from_u128(digits))
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse::<Hyphenated>().map(|id| Self(id.into_uuid()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromText for RunId {
    const ACCEPTED: &'static str = "a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7";
}

deserialize_from_text!(RunId);

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
        assert_eq!(id.parse::<RunId>().unwrap().to_string(), id);
        assert_eq!(
            id.to_uppercase().parse::<RunId>().unwrap().to_string(),
            id,
            "upper case is the same id"
        );
        for other in [
            "",
            "7c9e6679742540de944be07fc1f90ae7",
            "{7c9e6679-7425-40de-944b-e07fc1f90ae7}",
            "urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "7c9e6679-7425-40de-944b-e07fc1f90aeg",
            " 7c9e6679-7425-40de-944b-e07fc1f90ae7",
        ] {
            assert!(other.parse::<RunId>().is_err(), "{other:?}");
        }
    }
}
