//! The progress of a run, on one scale: a percentage.

use std::{fmt, num::NonZeroU64};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};
use utoipa::ToSchema;

use super::text::unexpected_text;

/// A percentage from 0 to 100.
// Stored as the bits of the f64 plus 1. The bits of floats that are not negative sort as the floats do, so the
// order can be derived; and they are never 0, so an Option takes no extra memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 100)]
pub struct Progress(NonZeroU64);

impl Progress {
    /// `None` if it is not from 0 to 100.
    #[must_use]
    pub fn from_percentage(percentage: f64) -> Option<Self> {
        (percentage <= 100.0).then(|| Self::new(percentage))?
    }

    /// `None` if negative.
    fn new(percentage: f64) -> Option<Self> {
        // Adding zero turns a negative zero into zero, so that equal values have equal bits.
        let bits = (percentage >= 0.0).then_some((percentage + 0.0).to_bits())?;
        NonZeroU64::new(bits + 1).map(Self)
    }

    /// The percentage.
    #[must_use]
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0.get() - 1)
    }
}

impl Serialize for Progress {
    /// A whole percentage is written without a fraction: `98`, not `98.0`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let percentage = self.get();
        if percentage.fract() == 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number from 0 to 100"
            )]
            serializer.serialize_u8(percentage as u8)
        } else {
            serializer.serialize_f64(percentage)
        }
    }
}

/// A progress as it was sent: a percentage or a fraction, depending on the dialect.
#[derive(Debug, Clone, Copy, PartialEq, ToSchema)]
#[schema(maximum = 100)]
pub(super) struct RawProgress(f64);

impl RawProgress {
    pub(super) const ACCEPTED: &str = "a number of at most 100";

    /// Reads it as a percentage. A negative one means unknown: ComfyDeploy sends -1 for that.
    pub(super) fn as_percentage(self) -> Option<Progress> {
        Progress::new(self.0)
    }

    /// Reads it as the wire dialect means it: below 2 it is a fraction. The platform divides by the number of
    /// nodes it expects, and when more of them run, the fraction exceeds 1.
    pub(super) fn as_fraction(self) -> Option<Progress> {
        if self.0 >= 2.0 {
            return self.as_percentage();
        }
        let fraction = self.0.min(1.0);
        // Rounded to ten decimals of a percent, so that 0.57 becomes 57 and not 56.99999999999999.
        Self((fraction * 1e12).round() / 1e10).as_percentage()
    }
}

impl<'de> Deserialize<'de> for RawProgress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = RawProgress;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(RawProgress::ACCEPTED)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<RawProgress, E> {
                if number <= 100.0 {
                    Ok(RawProgress(number))
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }

            #[expect(clippy::cast_precision_loss, reason = "exact up to 100, the limit")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<RawProgress, E> {
                self.visit_f64(number as f64)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawProgress, E> {
                Err(unexpected_text(text, &self))
            }

            #[expect(clippy::cast_precision_loss, reason = "below 0 only the sign counts")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<RawProgress, E> {
                self.visit_f64(number as f64)
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(progress: Option<Progress>) -> String {
        serde_json::to_string(&progress).unwrap()
    }

    #[test]
    fn a_fraction_becomes_a_percentage_without_rounding_errors() {
        for hundredth in 0..=100_u32 {
            let sent = RawProgress(f64::from(hundredth) / 100.0);
            assert_eq!(shown(sent.as_fraction()), hundredth.to_string());
        }
        assert_eq!(shown(RawProgress(0.125).as_fraction()), "12.5");
    }

    #[test]
    fn a_fraction_that_runs_over_is_100_percent() {
        for sent in [1.000_000_1, 1.02, 1.5, 2.0_f64.next_down()] {
            assert_eq!(shown(RawProgress(sent).as_fraction()), "100", "{sent}");
        }
        for (sent, kept) in [(2.0, "2"), (2.5, "2.5"), (45.0, "45"), (100.0, "100")] {
            assert_eq!(shown(RawProgress(sent).as_fraction()), kept);
        }
    }

    #[test]
    fn only_a_percentage_from_0_to_100_is_a_progress() {
        for percentage in [0.0, 45.0, 99.9, 100.0] {
            let progress = Progress::from_percentage(percentage).unwrap();
            assert_eq!(progress.get().to_bits(), percentage.to_bits());
        }
        for other in [-0.1, 100.1, f64::INFINITY, f64::NAN] {
            assert_eq!(Progress::from_percentage(other), None);
        }
    }

    #[test]
    fn a_percentage_is_kept_as_it_was_sent() {
        for (sent, kept) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (1.0, "1"),
            (1.02, "1.02"),
            (62.5, "62.5"),
            (100.0, "100"),
        ] {
            assert_eq!(shown(RawProgress(sent).as_percentage()), kept);
        }
    }

    #[test]
    fn a_negative_progress_is_unknown_and_a_negative_zero_is_zero() {
        assert_eq!(RawProgress(-1.0).as_percentage(), None);
        assert_eq!(RawProgress(-0.5).as_fraction(), None);
        let [negative, zero] = [-0.0, 0.0].map(|zero| RawProgress(zero).as_percentage());
        assert_eq!(negative, zero);
        assert_eq!(shown(RawProgress(-0.0).as_fraction()), "0");
    }

    #[test]
    fn only_a_number_of_at_most_100_is_read() {
        for accepted in ["100", "1e2", "99.999", "-1", "-1e300", "0"] {
            assert!(
                serde_json::from_str::<RawProgress>(accepted).is_ok(),
                "{accepted}"
            );
        }
        for rejected in [
            "100.1",
            "100.00000000000001",
            "101",
            "1e3",
            "18446744073709551615",
            "\"50\"",
            "true",
            "[]",
            "{}",
        ] {
            let error = serde_json::from_str::<RawProgress>(rejected).unwrap_err();
            assert!(error.to_string().contains(RawProgress::ACCEPTED), "{error}");
        }
    }
}
