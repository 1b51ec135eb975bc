//! What to simulate, and where to.

use std::{ffi::OsStr, net::SocketAddr, path::Path};

use clap::Args;

use super::receiver::Receiver;
use crate::{
    config::values::{Unshown, factor, number},
    net::reachable,
    tokens::Tokens,
};

/// How to play runs to a receiver.
#[derive(Debug, Clone, Args)]
pub struct Simulate {
    /// How many runs to play, from 1 to 1000; about four are at work at a time
    #[arg(long, value_name = "RUNS", default_value = "8")]
    #[arg(value_parser = |text: &str| number(text, 1..=1000))]
    pub runs: usize,

    /// Receiver's address or full webhook URL, http://hook:TOKEN@HOST where it wants a token; if it is left
    /// out, the service at --listen
    #[arg(long, value_name = "URL")]
    #[arg(value_parser = Unshown(|url: &OsStr| Receiver::read(&url.to_string_lossy())))]
    pub url: Option<Receiver>,

    /// File with the token that the receiver wants; or put it into WEBHOOK_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    #[arg(value_parser = Unshown(|file: &OsStr| Tokens::from_file(Path::new(file))))]
    pub token_file: Option<Tokens>,

    /// The token itself; other users of the machine can see it in the list of processes
    #[arg(long, value_name = "TOKEN")]
    #[arg(value_parser = Unshown(|token: &OsStr| token.to_string_lossy().parse::<Tokens>()))]
    pub token: Option<Tokens>,

    /// How many times as fast as usual, from 0.1 to 1000; a run usually lasts 10 to 20 seconds
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    #[arg(value_parser = |text: &str| factor(text, 0.1..=1000.0))]
    pub speed: f64,
}

impl Simulate {
    /// Who is sent to; without a URL the service that listens on `listen`.
    #[must_use]
    pub fn receiver(&self, listen: SocketAddr) -> Receiver {
        let here = || Receiver::at(reachable(listen));
        self.url.clone().unwrap_or_else(here)
    }

    /// The token to send. One that a flag gives goes before one in the URL, which this leaves out, and
    /// both go before those the service itself would want.
    #[must_use]
    pub fn token<'a>(&'a self, wanted: Option<&'a Tokens>) -> Option<&'a str> {
        let is_in_url = self.url.as_ref().is_some_and(|url| url.user_info.is_some());
        let wanted = wanted.filter(|_| !is_in_url);
        let given = self.token.as_ref().or(self.token_file.as_ref());
        given.or(wanted).map(Tokens::first)
    }
}
