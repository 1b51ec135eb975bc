//! The flags of `simulate`.

use std::ffi::OsStr;

use clap::Args;

use super::receiver::Receiver;
use crate::{
    config::{
        Config,
        redacted::{Redacted, from_file},
        values::{factor, number},
    },
    net::reachable,
    tokens::Tokens,
};

/// What to simulate and where to send it. The first line of each field is its line in `--help`.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// How many runs to simulate, from 1 to 1000; about four at a time
    #[arg(long, value_name = "RUNS", default_value = "8")]
    #[arg(value_parser = |text: &str| number(text, 1..=1000))]
    pub runs: usize,

    /// How many times as fast as usual, from 0.1 to 1000; a run usually lasts 10 to 20 seconds
    #[arg(long, value_name = "FACTOR", default_value = "1")]
    #[arg(value_parser = |text: &str| factor(text, 0.1..=1000.0))]
    pub speed: f64,

    /// Another receiver's address or full webhook URL, with http:// [default: the service at --listen]
    #[arg(long, value_name = "URL")]
    #[arg(value_parser = Redacted(|url: &OsStr| Receiver::parse(&url.to_string_lossy())))]
    pub url: Option<Receiver>,

    /// File with the receiver's webhook token; or put it into WEBHOOK_TOKEN or into the URL
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    #[arg(value_parser = Redacted(|file: &OsStr| from_file::<Tokens>(file.as_ref())))]
    pub token_file: Option<Tokens>,

    /// The token itself; other users of the machine can see it in the list of processes
    #[arg(long, value_name = "TOKEN")]
    #[arg(value_parser = Redacted(|token: &OsStr| token.to_string_lossy().parse::<Tokens>()))]
    pub token: Option<Tokens>,
}

impl SimulateArgs {
    /// Where updates go, and the token they carry: that of a flag, else the one in the URL, else the one that
    /// the service itself would require.
    pub(super) fn receiver(&self, config: &Config) -> Receiver {
        let mut receiver = self.url.clone().unwrap_or_else(|| {
            let url = format!("http://{}", reachable(config.address()));
            Receiver::parse(&url).expect("an address makes a URL")
        });
        let own = config.webhook_tokens.as_ref();
        let own = own.filter(|_| receiver.authorization.is_none());
        if let Some(tokens) = self.token.as_ref().or(self.token_file.as_ref()).or(own) {
            receiver.set_token(tokens.first());
        }
        receiver
    }
}
