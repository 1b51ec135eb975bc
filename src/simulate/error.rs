//! Why a simulation failed, in words that say what to do.

use std::{error::Error, fmt};

use axum::http::StatusCode;

use super::receiver::Receiver;
use crate::net::RequestError;

/// Why a simulation failed.
#[derive(Debug)]
pub enum SimulateError {
    /// The receiver did not accept the first update.
    NotAccepted(Receiver, RequestError),
    /// Some updates were lost.
    Incomplete {
        /// The number of them.
        lost: usize,
        /// The number of all updates.
        sent: usize,
        /// Why the last one was lost.
        last: RequestError,
    },
}

impl fmt::Display for SimulateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepted(receiver, RequestError::Status(StatusCode::UNAUTHORIZED)) => {
                let token = match receiver.authorization {
                    Some(_) => "another token",
                    None => "a token",
                };
                let flags = "WEBHOOK_TOKEN, --token-file or --token";
                write!(f, "{receiver} requires {token}: give it with {flags}")
            }
            Self::NotAccepted(receiver, error @ RequestError::Status(_)) => {
                write!(f, "{receiver} rejected the first update: {error}")
            }
            Self::NotAccepted(receiver, error) => {
                write!(f, "cannot reach {receiver}: {error}")?;
                match (error, receiver.loopback()) {
                    (RequestError::ConnectionRefused, Some(address)) => {
                        write!(f, "; start it with: comfydeploy-webhook --listen {address}")
                    }
                    _ => Ok(()),
                }
            }
            Self::Incomplete { lost, sent, last } => {
                write!(
                    f,
                    "{lost} of {sent} updates were lost, the last one: {last}"
                )
            }
        }
    }
}

impl Error for SimulateError {}
