//! How far a run is, on one scale: a percentage.

use std::{fmt, num::NonZeroU64};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};
use utoipa::ToSchema;

use super::text::unexpected_text;

/// A percentage from 0 to 100.
// Kept as the bits of the number and 1: numbers that are not negative are ordered as their bits are, and since
// 0 is no progress, an Option takes no more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 100)]
pub struct Progress(NonZeroU64);

impl Progress {
    /// `None` for what is negative.
    fn new(percentage: f64) -> Option<Self> {
        // Adding zero turns a negative zero into zero, so that equal values have equal bits.
        let bits = (percentage >= 0.0).then_some((percentage + 0.0).to_bits())?;
        NonZeroU64::new(bits + 1).map(Self)
    }

    const fn get(self) -> f64 {
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

/// A progress as it was sent: at most 100, its scale not settled yet.
#[derive(Debug, Clone, Copy, PartialEq, ToSchema)]
#[schema(maximum = 100)]
pub(super) struct SentProgress(f64);

impl SentProgress {
    pub(super) const ACCEPTED: &str = "a number of at most 100";

    /// Read as a percentage. A negative one means unknown: the platform writes -1 for that.
    pub(super) fn as_percentage(self) -> Option<Progress> {
        Progress::new(self.0)
    }

    /// Read as the wire dialect writes it: up to 1 it is a fraction.
    pub(super) fn as_fraction(self) -> Option<Progress> {
        if self.0 > 1.0 {
            return self.as_percentage();
        }
        // Rounded far below what anyone can see, so that 0.57 becomes 57 and not 56.99999999999999.
        Self((self.0 * 1e12).round() / 1e10).as_percentage()
    }
}

impl<'de> Deserialize<'de> for SentProgress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = SentProgress;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SentProgress::ACCEPTED)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<SentProgress, E> {
                if number <= 100.0 {
                    Ok(SentProgress(number))
                } else {
                    Err(E::invalid_value(Unexpected::Float(number), &self))
                }
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "exact up to 100, the most accepted"
            )]
            fn visit_u64<E: Error>(self, number: u64) -> Result<SentProgress, E> {
                self.visit_f64(number as f64)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SentProgress, E> {
                Err(unexpected_text(text, &self))
            }

            #[expect(clippy::cast_precision_loss, reason = "only its sign counts below 0")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<SentProgress, E> {
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
    fn a_fraction_becomes_the_percentage_a_person_would_write() {
        for hundredth in 0..=100_u32 {
            let sent = SentProgress(f64::from(hundredth) / 100.0);
            assert_eq!(shown(sent.as_fraction()), hundredth.to_string());
        }
        assert_eq!(shown(SentProgress(0.125).as_fraction()), "12.5");
    }

    #[test]
    fn a_percentage_is_kept_as_it_was_sent() {
        for (sent, kept) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (1.0, "1"),
            (62.5, "62.5"),
            (100.0, "100"),
        ] {
            assert_eq!(shown(SentProgress(sent).as_percentage()), kept);
        }
        assert_eq!(shown(SentProgress(45.0).as_fraction()), "45");
    }

    #[test]
    fn a_negative_progress_is_unknown_and_a_negative_zero_is_zero() {
        assert_eq!(SentProgress(-1.0).as_percentage(), None);
        assert_eq!(SentProgress(-0.5).as_fraction(), None);
        let [negative, zero] = [-0.0, 0.0].map(|zero| SentProgress(zero).as_percentage());
        assert_eq!(negative, zero);
        assert_eq!(shown(SentProgress(-0.0).as_fraction()), "0");
    }

    #[test]
    fn only_a_number_of_at_most_100_is_read() {
        for good in ["100", "1e2", "99.999", "-1", "-1e300", "0"] {
            assert!(serde_json::from_str::<SentProgress>(good).is_ok(), "{good}");
        }
        for bad in [
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
            let error = serde_json::from_str::<SentProgress>(bad).unwrap_err();
            assert!(
                error.to_string().contains(SentProgress::ACCEPTED),
                "{error}"
            );
        }
    }
}
