//! The status of a run, in ComfyDeploy's own words and in the five documented ones.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::{FromText, deserialize_from_text};

/// The five status words of ComfyDeploy's API reference. A run is shown with one of them, once a status was reported.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    ToSchema,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not started yet.
    Queued,
    /// Running.
    Processing,
    /// Ended successfully.
    Completed,
    /// Ended with an error or a timeout.
    Failed,
    /// Stopped before it was done.
    Cancelled,
}

impl Status {
    /// All statuses, in the order of a run.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word, as it is shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Whether the run is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Processing => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl FromText for Status {
    const ACCEPTED: &'static str = "one of queued, processing, completed, failed, cancelled";
}

/// Every status word that ComfyDeploy uses, in the order of a run.
// The order is total: where both dialects have a word for one stage, the wire's word is the greater, so that
// the word shown does not depend on which one arrived first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    ToSchema,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum PlatformStatus {
    /// Wire: accepted, not queued yet.
    NotStarted,
    /// Both dialects.
    Queued,
    /// Wire: a machine has started it.
    Started,
    /// Documented.
    Processing,
    /// Wire: nodes execute.
    Running,
    /// Wire: its outputs are uploaded to storage.
    Uploading,
    /// Both dialects; terminal.
    Cancelled,
    /// Wire; terminal.
    Timeout,
    /// Both dialects; terminal.
    Failed,
    /// Documented; terminal.
    Completed,
    /// Wire; terminal.
    Success,
}

impl PlatformStatus {
    /// The word, as an update carries it.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// The documented word for it.
    #[must_use]
    pub const fn documented(self) -> Status {
        match self {
            Self::NotStarted | Self::Queued => Status::Queued,
            Self::Started | Self::Processing | Self::Running | Self::Uploading => {
                Status::Processing
            }
            Self::Cancelled => Status::Cancelled,
            Self::Timeout | Self::Failed => Status::Failed,
            Self::Completed | Self::Success => Status::Completed,
        }
    }

    /// The stage of the run: the same for two words with one meaning.
    #[must_use]
    pub(crate) const fn stage(self) -> Stage {
        Stage(match self {
            Self::Running => Self::Processing as u8,
            Self::Success => Self::Completed as u8,
            other => other as u8,
        })
    }
}

/// How far a run has come; later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stage(u8);

impl FromText for PlatformStatus {
    const ACCEPTED: &'static str = "one of queued, processing, completed, failed, cancelled, \
                                    not-started, started, running, uploading, success, timeout";
}

deserialize_from_text!(PlatformStatus, Status);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_parses_to_its_status_and_is_named_in_the_error() {
        for &status in PlatformStatus::VARIANTS {
            assert_eq!(status.word().parse(), Ok(status));
            assert!(PlatformStatus::ACCEPTED.contains(status.word()));
        }
        assert!("Queued".parse::<PlatformStatus>().is_err());
    }

    #[test]
    fn a_documented_word_is_shown_as_itself() {
        for word in ["queued", "processing", "completed", "failed", "cancelled"] {
            let status: PlatformStatus = word.parse().unwrap();
            assert_eq!(word.parse(), Ok(status.documented()));
        }
        for &status in Status::VARIANTS {
            assert!(Status::ACCEPTED.contains(status.word()));
        }
    }

    #[test]
    fn the_list_of_statuses_is_in_the_order_of_a_run() {
        let statuses = PlatformStatus::VARIANTS;
        assert!(statuses.is_sorted());
        assert!(statuses.is_sorted_by_key(|status| status.stage()));
        assert_eq!(
            PlatformStatus::Processing.stage(),
            PlatformStatus::Running.stage()
        );
        assert_eq!(
            PlatformStatus::Completed.stage(),
            PlatformStatus::Success.stage()
        );
    }
}
