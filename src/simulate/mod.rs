//! The simulator: sends the updates of made-up runs to a receiver, as ComfyDeploy's backend does.

mod args;
mod error;
mod landscape;
mod output;
mod png;
mod receiver;
mod script;
mod sender;

use std::{
    io::{self, Write},
    pin::pin,
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::{args::SimulateArgs, error::SimulateError, receiver::Receiver};
use self::{
    script::{Ending, script},
    sender::{Delivery, Sender},
};
use crate::{config::Config, net::RequestError};

/// How many updates wait at a time, until they are due or for a response. Only a receiver that hardly responds
/// delays the others.
const MAX_IN_FLIGHT: usize = 64;

/// Sends the updates of all runs, until the last one has ended or `stop` is cancelled.
///
/// # Errors
/// When updates were lost; at once if the first one was.
pub async fn run(
    args: &SimulateArgs,
    config: &Config,
    stop: CancellationToken,
) -> Result<(), SimulateError> {
    let runs = args.runs;
    let receiver = args.receiver(config);
    let sender = Sender::new(receiver.clone(), args.speed);
    let mut deliveries = pin!(
        stream::iter(script(runs, Timestamp::now()))
            .map(|update| sender.deliver(update))
            .buffer_unordered(MAX_IN_FLIGHT)
            .take_until(stop.cancelled())
    );
    let mut summary = Summary::default();
    while let Some(delivery) = deliveries.next().await {
        if summary.sent == 0 {
            if let Err(error) = delivery.result {
                return Err(SimulateError::NotAccepted(receiver, error));
            }
            print(io::stderr(), &format!("see the runs at {receiver}/"));
        }
        let ended = summary.ended.len();
        summary.add(delivery);
        // At most ten such lines.
        if summary.ended.len() > ended && (ended + 1).is_multiple_of(runs.div_ceil(10)) {
            print(
                io::stderr(),
                &format!("{} of {runs} runs have ended", ended + 1),
            );
        }
    }
    let text = summary.text(runs, sender.start.elapsed());
    print(io::stdout(), &format!("{text}\npage:    {receiver}/"));
    match summary.last_error {
        None => Ok(()),
        Some(last) => Err(SimulateError::Incomplete {
            lost: summary.lost,
            sent: summary.sent,
            last,
        }),
    }
}

/// Prints a line. If its reader has gone away, the simulation goes on.
fn print(mut stream: impl Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}

/// What has become of the runs and their updates.
#[derive(Default)]
struct Summary {
    ended: Vec<Ending>,
    sent: usize,
    lost: usize,
    repeats: usize,
    retries: usize,
    last_error: Option<RequestError>,
}

impl Summary {
    fn add(&mut self, delivery: Delivery) {
        self.sent += 1;
        self.repeats += usize::from(delivery.update.is_repeat);
        self.retries += delivery.retries;
        match delivery.result {
            Ok(()) => self.ended.extend(delivery.update.ending),
            Err(error) => {
                self.lost += 1;
                self.last_error = Some(error);
            }
        }
    }

    fn text(&self, runs: usize, took: Duration) -> String {
        let count = |ending| self.ended.iter().filter(|&&is| is == ending).count();
        let unfinished = match runs - self.ended.len() {
            0 => String::new(),
            n => format!(", {n} unfinished"),
        };
        format!(
            "runs:    {} succeeded, {} failed, {} cancelled{unfinished}, in {:.1} s\n\
             updates: {} sent, {} delivered, {} lost; {} repeats, {} retries",
            count(Ending::Succeeded),
            count(Ending::Failed),
            count(Ending::Cancelled),
            took.as_secs_f64(),
            self.sent,
            self.sent - self.lost,
            self.lost,
            self.repeats,
            self.retries,
        )
    }
}
