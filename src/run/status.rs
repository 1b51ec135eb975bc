//! The status of a run, in the platform's words and in the documented ones.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::FromText;

/// The five words of ComfyDeploy's API reference: what every run is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not started yet.
    Queued,
    /// At work.
    Processing,
    /// Ended well.
    Completed,
    /// Ended with an error, or ran out of time.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl Status {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word itself.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
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

impl FromStr for Status {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.word() == word).ok_or(())
    }
}

impl FromText for Status {
    const ACCEPTED: &'static str = "one of queued, processing, completed, failed, cancelled";
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_text(deserializer)
    }
}

/// Every word either dialect has for a status, in the order of a run's life.
// The order is total: where the two dialects have a word each for one stage, the wire's comes second, so that
// the word shown does not depend on which arrived first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum PlatformStatus {
    /// Wire: accepted, not in a queue yet.
    NotStarted,
    /// Both dialects.
    Queued,
    /// Wire: a machine took it.
    Started,
    /// Documented.
    Processing,
    /// Wire: nodes execute.
    Running,
    /// Wire: outputs are on their way to storage.
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
    const ALL: [Self; 11] = [
        Self::NotStarted,
        Self::Queued,
        Self::Started,
        Self::Processing,
        Self::Running,
        Self::Uploading,
        Self::Cancelled,
        Self::Timeout,
        Self::Failed,
        Self::Completed,
        Self::Success,
    ];

    /// The word itself, as it stands in an update.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotStarted => "not-started",
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Processing => "processing",
            Self::Running => "running",
            Self::Uploading => "uploading",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Success => "success",
        }
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

    /// The stage of a run's life: equal for the two words that mean the same stage.
    #[must_use]
    pub(crate) const fn stage(self) -> Stage {
        Stage(match self {
            Self::Running => Self::Processing as u8,
            Self::Success => Self::Completed as u8,
            other => other as u8,
        })
    }
}

/// How far a run's life has come; later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stage(u8);

impl FromStr for PlatformStatus {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == word)
            .ok_or(())
    }
}

impl FromText for PlatformStatus {
    const ACCEPTED: &'static str = "one of queued, processing, completed, failed, cancelled, \
                                    not-started, started, running, uploading, success, timeout";
}

impl<'de> Deserialize<'de> for PlatformStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_text(deserializer)
    }
}

impl Serialize for PlatformStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself_and_is_named_in_the_refusal() {
        for status in PlatformStatus::ALL {
            assert_eq!(status.word().parse(), Ok(status));
            assert!(PlatformStatus::ACCEPTED.contains(status.word()));
        }
        assert_eq!("Queued".parse::<PlatformStatus>(), Err(()));
    }

    #[test]
    fn the_documented_words_stand_for_themselves() {
        for word in ["queued", "processing", "completed", "failed", "cancelled"] {
            let status: PlatformStatus = word.parse().unwrap();
            assert_eq!(word.parse(), Ok(status.documented()));
        }
    }

    #[test]
    fn all_lists_the_statuses_in_the_order_of_a_life() {
        assert!(PlatformStatus::ALL.is_sorted());
        assert!(PlatformStatus::ALL.map(PlatformStatus::stage).is_sorted());
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
