//! Every way to fail: its status, its metric reason and its text.

mod reason;
mod response;

use std::{borrow::Cow, fmt, time::Duration};

use axum::http::StatusCode;
use bytesize::ByteSize;

pub(super) use self::{reason::Reason, response::ProblemBody};
use super::WEBHOOK_PATH;
use crate::{
    database::{Cause, DatabaseError},
    hosts::HostName,
    ingest::NotDurable,
    run::{ParseError, RunId},
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
    Unauthorized(TokenProblem),
    /// No read token is set, and the request names this public host, or no valid one.
    PublicHost(Option<HostName>),
    /// A browser asked for runs as a picture, a video or a sound.
    NotMedia,
    NoSuchPath,
    NoSuchRun(RunId),
    /// `allow` lists the methods where the router does not know them.
    Method {
        allow: Option<Cow<'static, str>>,
    },
    /// A path that takes these methods got one of them with a body, which only the webhook takes.
    UnexpectedBody {
        methods: String,
    },
    /// A GET on the webhook that says that it is JSON, but is empty.
    RetryWithoutBody,
    Parameter {
        name: String,
        reason: String,
    },
    /// The content type that is not JSON, if there is one.
    MediaType(Option<String>),
    ContentEncoding(String),
    BodyTooLarge {
        limit: usize,
    },
    BodyTooSlow {
        limit: Duration,
    },
    /// The body ended too early.
    BodyIncomplete,
    MalformedChunks,
    NotAnUpdate(ParseError),
    /// Newer requests needed the memory of this one.
    NoMemory,
    TooManySubscribers,
    /// The runs are being read from the database.
    Restoring,
    /// The update could not be written to the database.
    NotDurable(NotDurable),
    /// The database cannot be read or written.
    Database(Cause),
    ShuttingDown,
    /// All connections were busy, and newer requests came.
    NoSlot,
    Internal,
}

/// Why a request does not carry the token that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenProblem {
    Missing,
    /// There is an Authorization header, but no token can be read from it.
    Unreadable,
    Wrong,
}

impl Problem {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NoHost
            | Self::SeveralHosts
            | Self::Parameter { .. }
            | Self::UnexpectedBody { .. }
            | Self::BodyIncomplete
            | Self::MalformedChunks
            | Self::NotAnUpdate(
                ParseError::NotUtf8 { .. } | ParseError::Empty | ParseError::NotJson { .. },
            ) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::PublicHost(_) | Self::NotMedia => StatusCode::FORBIDDEN,
            Self::NoSuchPath | Self::NoSuchRun(_) => StatusCode::NOT_FOUND,
            Self::Method { .. } | Self::RetryWithoutBody => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) | Self::ContentEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAnUpdate(ParseError::NotAnObject { .. } | ParseError::WrongField { .. }) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::NoMemory
            | Self::TooManySubscribers
            | Self::Restoring
            | Self::NotDurable(_)
            | Self::Database(_)
            | Self::ShuttingDown
            | Self::NoSlot => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether a client that knows no token may cause it.
    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized(_)
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the Host header is missing"),
            Self::SeveralHosts => f.write_str("there are several Host headers, expected one"),
            Self::TransferCoding => {
                f.write_str("the Transfer-Encoding is not chunked, which is the only one accepted")
            }
            Self::Unauthorized(problem) => problem.fmt(f),
            Self::PublicHost(name) => write_public_host(f, name.as_ref()),
            Self::NotMedia => f.write_str("runs are not sent as a picture, a video or a sound"),
            Self::NoSuchPath => with_directions(f, format_args!("there is nothing at this path")),
            Self::NoSuchRun(run_id) => {
                write!(f, "no update of run {run_id} has arrived, or it is no longer kept")
            }
            Self::Method { allow: None } => with_directions(
                f,
                format_args!("this path does not take this method, see the Allow header"),
            ),
            Self::Method { allow: Some(methods) } => {
                with_directions(f, format_args!("this path takes {}", in_words(methods)))
            }
            Self::UnexpectedBody { methods } => {
                let methods = in_words(methods);
                with_directions(f, format_args!("this path takes {methods}, without a body"))
            }
            Self::RetryWithoutBody => f.write_str(
                "this GET has no body: send updates with POST. If it was a retry, whose body is its update, a proxy \
                 removed that",
            ),
            Self::Parameter { name, reason } => write!(f, "{name}: {reason}"),
            Self::MediaType(None) => {
                f.write_str("there is no Content-Type: send Content-Type: application/json")
            }
            Self::MediaType(Some(found)) => {
                write!(f, "Content-Type is {found}: send Content-Type: application/json")
            }
            Self::ContentEncoding(found) => {
                let advice = match found.to_ascii_lowercase().as_str() {
                    "gzip" | "x-gzip" | "deflate" | "compress" | "br" | "zstd" => {
                        "the body is compressed; send it uncompressed"
                    }
                    _ => "the body cannot be decoded; send it as it is, without this header",
                };
                write!(f, "Content-Encoding is {found}: {advice}")
            }
            Self::BodyTooLarge { limit } => {
                let limit = ByteSize::b(*limit as u64);
                write!(f, "the body is larger than {limit}, the limit")
            }
            Self::BodyTooSlow { limit } => {
                write!(f, "the body did not arrive within {limit:?}, the limit")
            }
            Self::BodyIncomplete => f.write_str("the body ended before it was complete"),
            Self::MalformedChunks => f.write_str("the chunks of the body are malformed"),
            Self::NotAnUpdate(error) => error.fmt(f),
            Self::NoMemory => f.write_str(
                "the service is busy: newer requests used up --max-in-flight before this one was complete; try again",
            ),
            Self::TooManySubscribers => f.write_str(
                "there are as many streams and waiting requests as --max-subscribers allows; try again",
            ),
            Self::Restoring => f.write_str(
                "the service is starting: it reads the runs from the database; try again",
            ),
            Self::NotDurable(reason) => write!(f, "the update was not stored: {reason}"),
            Self::Database(cause) => write!(f, "the database cannot be used: {cause}"),
            Self::ShuttingDown => f.write_str("the service is shutting down"),
            Self::NoSlot => {
                f.write_str("the service is busy: as many requests as --max-connections are in flight; try again")
            }
            Self::Internal => f.write_str("the service failed; its log says why"),
        }
    }
}

fn write_public_host(f: &mut fmt::Formatter<'_>, name: Option<&HostName>) -> fmt::Result {
    f.write_str(
        "without READ_TOKEN, runs are shown only at IP addresses, localhost and other local names: ",
    )?;
    match name {
        Some(name) => write!(
            f,
            "set READ_TOKEN, or, if everyone who can reach {name} may read every run, --allow-host {name}"
        ),
        None => f.write_str("the request names no valid host"),
    }
}

impl fmt::Display for TokenProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no token",
            Self::Unreadable => "the Authorization header is neither Bearer nor Basic with a token",
            Self::Wrong => {
                "the token is wrong (WEBHOOK_TOKEN is for updates, READ_TOKEN for everything else)"
            }
        })?;
        f.write_str(
            ": send it as Authorization: Bearer, as the password of Authorization: Basic, or as ?token= in the query",
        )
    }
}

/// Tells a client that asks at a wrong path, or wrongly, what the right ones are.
fn with_directions(f: &mut fmt::Formatter<'_>, problem: fmt::Arguments<'_>) -> fmt::Result {
    write!(
        f,
        "{problem}; updates go to POST {WEBHOOK_PATH}, people see the runs at /, programs at /api/runs, and \
         /openapi.json describes every path"
    )
}

/// The methods of an Allow header as text.
fn in_words(methods: &str) -> String {
    let methods: Vec<&str> = methods.split(',').map(str::trim).collect();
    methods.join(" or ")
}

impl From<NotDurable> for Problem {
    fn from(error: NotDurable) -> Self {
        Self::NotDurable(error)
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error.cause())
    }
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        Self::NotAnUpdate(error)
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
