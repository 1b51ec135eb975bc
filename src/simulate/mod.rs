//! The simulator: plays runs to a receiver as ComfyDeploy's backend does, with updates that come late,
//! twice, or as a retry.

mod args;
mod dice;
mod output;
mod picture;
mod receiver;
mod schedule;
mod screen;
mod script;
mod sender;
mod tally;

use std::{error::Error, fmt, net::SocketAddr, sync::Arc, time::Duration};

use axum::http::StatusCode;
use jiff::Timestamp;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::{args::Simulate, receiver::Receiver, sender::Lost};
use self::{
    schedule::schedule,
    screen::Screen,
    sender::{Delivery, Sender},
    tally::Tally,
};
use crate::config::Config;

/// So many updates are on their way at a time; the next waits. It takes a receiver that hardly answers to
/// get there.
const IN_FLIGHT: usize = 64;

/// Why not everything was delivered.
#[derive(Debug)]
pub enum Failure {
    /// Nothing was.
    Refused {
        /// The receiver's address.
        by: String,
        /// What came of the first update.
        loss: Lost,
        /// Whether it carried a token.
        with_token: bool,
    },
    /// Some updates were lost.
    Incomplete {
        /// So many.
        lost: usize,
        /// Of so many.
        sent: usize,
        /// What came of the last of them.
        last: Lost,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused {
                by,
                loss: Lost::Refused(StatusCode::UNAUTHORIZED),
                with_token,
            } => {
                let wants = if *with_token {
                    "another token"
                } else {
                    "a token"
                };
                write!(
                    f,
                    "{by} wants {wants}: give it with WEBHOOK_TOKEN, --token-file or --token"
                )
            }
            Self::Refused {
                by,
                loss: loss @ Lost::Refused(_),
                ..
            } => write!(f, "{by} takes no updates there: {loss}"),
            Self::Refused { by, loss, .. } => {
                write!(f, "cannot reach {by}: {loss}")?;
                match loss {
                    Lost::Unreachable(cause) if cause.starts_with("Connection refused") => {
                        hint(f, by)
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

impl Error for Failure {}

/// Says how to have a receiver at this address, if that is for the user to do.
fn hint(f: &mut fmt::Formatter<'_>, address: &str) -> fmt::Result {
    match address.trim_start_matches("http://").parse::<SocketAddr>() {
        Ok(here) if here.ip().is_loopback() => {
            write!(f, "; start it with: comfydeploy-webhook --listen {here}")
        }
        _ => Ok(()),
    }
}

/// Plays runs until they are over, or `stop` is cancelled.
///
/// # Errors
/// When updates were lost; at once if the first one was.
pub async fn run(
    orders: &Simulate,
    config: &Config,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let receiver = orders.receiver(config.listen);
    let token = orders.token(config.webhook_tokens.as_ref());
    let sender = Sender::new(&receiver, token, orders.speed);
    let steps = schedule(orders.runs, orders.speed, Timestamp::now(), Uuid::new_v4);
    let mut play = Play {
        address: receiver.address(),
        sender: Arc::new(sender),
        tally: Tally::new(orders.runs, steps.len()),
        screen: Screen::new(),
    };
    let begun = Instant::now();
    let mut turns = play.screen.turns();
    let mut steps = steps.into_iter().peekable();
    let mut in_flight = JoinSet::new();
    while steps.peek().is_some() || !in_flight.is_empty() {
        let next = steps.peek().filter(|_| in_flight.len() < IN_FLIGHT);
        let next = next.map(|step| begun + step.at);
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(next.unwrap_or(begun)), if next.is_some() => {
                let sender = Arc::clone(&play.sender);
                in_flight.extend(steps.next().map(|step| async move { sender.deliver(step).await }));
                play.tally.sent += 1;
            }
            Some(delivery) = in_flight.join_next() => {
                play.note(delivery.expect("sending does not panic"))?;
            }
            _ = turns.tick() => play.screen.show(&play.tally),
        }
    }
    play.finish(begun.elapsed())
}

/// What is played to whom, and what has become of it.
struct Play {
    address: String,
    sender: Arc<Sender>,
    tally: Tally,
    screen: Screen,
}

impl Play {
    /// Takes account of an update that has gone one way or the other.
    fn note(&mut self, delivery: Delivery) -> Result<(), Failure> {
        let is_first = self.tally.delivered == 0;
        self.tally.note(delivery);
        match &self.tally.last_loss {
            Some(loss) if self.tally.delivered == 0 => {
                self.screen.clear();
                return Err(Failure::Refused {
                    by: self.address.clone(),
                    loss: loss.clone(),
                    with_token: self.sender.has_token(),
                });
            }
            _ if is_first => self
                .screen
                .say(format_args!("playing runs: see them at {}/", self.address)),
            _ => {}
        }
        Ok(())
    }

    fn finish(self, took: Duration) -> Result<(), Failure> {
        let page = format!("{}/", self.address);
        self.screen.print(&self.tally.summary(took, &page));
        match self.tally.last_loss {
            None => Ok(()),
            Some(last) => Err(Failure::Incomplete {
                lost: self.tally.lost,
                sent: self.tally.sent,
                last,
            }),
        }
    }
}
