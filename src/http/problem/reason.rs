//! Why an update was rejected, for the metrics.

use strum::{IntoStaticStr, VariantArray};

use super::Problem;
use crate::{ingest::NotDurable, run::ParseError};

/// Why an update was rejected. Two problems share a reason only if the same thing mends both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(in crate::http) enum Reason {
    Empty,
    NotJson,
    NotAnObject,
    WrongField,
    TooLarge,
    TooSlow,
    Incomplete,
    MediaType,
    Compressed,
    Method,
    Unauthorized,
    Busy,
    NotDurable,
    Protocol,
    Internal,
}

impl Problem {
    /// Why an update is rejected; `None` for problems that an update cannot have.
    pub(in crate::http) const fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::NoHost | Self::SeveralHosts | Self::TransferCoding | Self::MalformedChunks => {
                Reason::Protocol
            }
            Self::Unauthorized(_) => Reason::Unauthorized,
            Self::Method { .. } => Reason::Method,
            Self::MediaType(_) => Reason::MediaType,
            Self::ContentEncoding(_) => Reason::Compressed,
            Self::BodyTooLarge { .. } => Reason::TooLarge,
            Self::BodyTooSlow { .. } => Reason::TooSlow,
            Self::BodyIncomplete => Reason::Incomplete,
            Self::RetryWithoutBody | Self::NotAnUpdate(ParseError::Empty) => Reason::Empty,
            Self::NotAnUpdate(ParseError::NotUtf8 { .. } | ParseError::NotJson { .. }) => {
                Reason::NotJson
            }
            Self::NotAnUpdate(ParseError::NotAnObject { .. }) => Reason::NotAnObject,
            Self::NotAnUpdate(ParseError::WrongField { .. }) => Reason::WrongField,
            Self::NoMemory | Self::NoSlot | Self::NotDurable(NotDurable::QueueFull) => Reason::Busy,
            Self::NotDurable(NotDurable::Failing(_) | NotDurable::Closed) => Reason::NotDurable,
            Self::Internal => Reason::Internal,
            Self::PublicHost(_)
            | Self::NotMedia
            | Self::NoSuchPath
            | Self::NoSuchRun(_)
            | Self::UnexpectedBody { .. }
            | Self::Parameter { .. }
            | Self::TooManySubscribers
            | Self::Restoring
            | Self::Database(_)
            | Self::ShuttingDown => return None,
        })
    }
}
