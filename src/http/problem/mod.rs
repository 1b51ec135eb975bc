//! Every way to fail: its status, its metric reason and its text.

mod response;

use std::{fmt, time::Duration};

use axum::http::StatusCode;
use bytesize::ByteSize;
use strum::{IntoStaticStr, VariantArray};

pub(super) use self::response::ProblemBody;
use super::WEBHOOK_PATH;
use crate::{
    run::{ParseError, RunId},
    store::RunTooLarge,
};

/// Characters of a detail, at most: what was found may be as large as a body.
const DETAIL_CHARS: usize = 400;

/// Why a request is not answered as its client asked.
#[derive(Debug)]
pub(super) enum Problem {
    /// HTTP/1.1 asks every request to name its host.
    NoHost,
    SeveralHosts,
    TransferCoding,
    Unauthorized,
    NoSuchPath,
    NoSuchRun(RunId),
    /// `allow` lists the methods where the router does not know them.
    Method {
        allow: Option<&'static str>,
    },
    Parameter {
        name: String,
        reason: String,
    },
    /// What was found instead of JSON.
    MediaType(String),
    BodyTooLarge {
        limit: usize,
    },
    BodyTooSlow {
        limit: Duration,
    },
    /// The body ended too early, or its chunks are malformed.
    BodyIncomplete,
    NotAnUpdate(ParseError),
    RunTooLarge(RunTooLarge),
    /// The memory budget for this is used up.
    NoMemory,
    TooManySubscribers,
    /// All connections were busy, and newer requests came.
    NoSlot,
    Internal,
}

impl Problem {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NoHost
            | Self::SeveralHosts
            | Self::Parameter { .. }
            | Self::BodyIncomplete
            | Self::NotAnUpdate(
                ParseError::NotUtf8 { .. } | ParseError::Empty | ParseError::NotJson { .. },
            ) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoSuchPath | Self::NoSuchRun(_) => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } | Self::RunTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAnUpdate(ParseError::NotAnUpdate { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::NoMemory | Self::TooManySubscribers | Self::NoSlot => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Why an update is rejected; `None` for problems that an update cannot have.
    pub(super) const fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::NoHost | Self::SeveralHosts | Self::TransferCoding => Reason::Protocol,
            Self::Unauthorized => Reason::Unauthorized,
            Self::Method { .. } => Reason::Method,
            Self::MediaType(_) => Reason::MediaType,
            Self::BodyTooLarge { .. } | Self::RunTooLarge(_) => Reason::TooLarge,
            Self::BodyTooSlow { .. } => Reason::TooSlow,
            Self::BodyIncomplete => Reason::Incomplete,
            Self::NotAnUpdate(ParseError::NotAnUpdate { .. }) => Reason::WrongField,
            Self::NotAnUpdate(_) => Reason::NotJson,
            Self::NoMemory | Self::NoSlot => Reason::Busy,
            Self::Internal => Reason::Internal,
            Self::NoSuchPath
            | Self::NoSuchRun(_)
            | Self::Parameter { .. }
            | Self::TooManySubscribers => return None,
        })
    }

    /// Whether a client that knows no token may cause it.
    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized
                | Self::Method { .. }
                | Self::NoHost
                | Self::SeveralHosts
                | Self::TransferCoding
                | Self::NoSlot
        )
    }

    /// What was found and what is accepted.
    pub(super) fn detail(&self) -> String {
        shorten(self.to_string())
    }
}

/// Why an update was rejected, for the metrics.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Reason {
    NotJson,
    WrongField,
    TooLarge,
    TooSlow,
    Incomplete,
    MediaType,
    Method,
    Unauthorized,
    Busy,
    Protocol,
    Internal,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the Host header is missing"),
            Self::SeveralHosts => f.write_str("there are several Host headers, expected one"),
            Self::TransferCoding => {
                f.write_str("the Transfer-Encoding is not chunked, which is the only one accepted")
            }
            Self::Unauthorized => f.write_str(
                "the token is missing or wrong: send it as Authorization: Bearer, as the password of \
                 Authorization: Basic, or as ?token= in the query",
            ),
            Self::NoSuchPath => {
                write!(f, "there is nothing at this path; updates go to POST {WEBHOOK_PATH}")
            }
            Self::NoSuchRun(run_id) => {
                write!(f, "no update of run {run_id} has arrived, or it is no longer kept")
            }
            Self::Method { .. } => write!(
                f,
                "this path does not accept this method, see the Allow header; updates go to POST {WEBHOOK_PATH}"
            ),
            Self::Parameter { name, reason } => write!(f, "{name}: {reason}"),
            Self::MediaType(found) => {
                write!(f, "found {found}, expected application/json without an encoding")
            }
            Self::BodyTooLarge { limit } => {
                let limit = ByteSize::b(*limit as u64);
                write!(f, "the body is larger than {limit}, the limit")
            }
            Self::BodyTooSlow { limit } => {
                write!(f, "the body did not arrive within {limit:?}, the limit")
            }
            Self::BodyIncomplete => {
                f.write_str("the body ended before it was complete, or its chunks are malformed")
            }
            Self::NotAnUpdate(error) => error.fmt(f),
            Self::RunTooLarge(error) => error.fmt(f),
            Self::NoMemory => f.write_str("the service is busy: --max-in-flight is used up; try again"),
            Self::TooManySubscribers => f.write_str(
                "there are as many streams and waiting requests as --max-subscribers allows; try again",
            ),
            Self::NoSlot => {
                f.write_str("the service is busy: as many requests as --max-connections are in flight; try again")
            }
            Self::Internal => f.write_str("the service failed; its log and standard error say why"),
        }
    }
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        Self::NotAnUpdate(error)
    }
}

impl From<RunTooLarge> for Problem {
    fn from(error: RunTooLarge) -> Self {
        Self::RunTooLarge(error)
    }
}

/// Leaves out the middle of a long text: the ends of a detail name the field and what is accepted.
fn shorten(detail: String) -> String {
    if detail.len() <= DETAIL_CHARS {
        return detail;
    }
    let start = detail.floor_char_boundary(DETAIL_CHARS / 2);
    let end = detail.ceil_char_boundary(detail.len() - DETAIL_CHARS / 2);
    format!("{} … {}", &detail[..start], &detail[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_keeps_its_ends() {
        let found = "é".repeat(1_000_000);
        let detail = shorten(format!("/status: found \"{found}\", expected queued"));
        assert!(detail.starts_with("/status: found \"éé"));
        assert!(detail.ends_with("éé\", expected queued"));
        assert!(detail.len() <= DETAIL_CHARS + 10);
    }
}
