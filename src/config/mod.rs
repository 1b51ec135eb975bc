//! Flags and environment variables, parsed once into valid values.

pub(crate) mod values;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use bytesize::{GIB, KIB, MIB, TIB};
use clap::{Args, FromArgMatches as _, ValueEnum, builder::Resettable};

use self::values::{HOUR, MILLISECOND, TEN_YEARS, address, log_filter, number, origin, size, time};
use crate::tokens::Tokens;

/// The flags of the service. The comment of each field is its line in `--help`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, env, value_name = "ADDRESS:PORT", global = true)]
    #[arg(default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// Worker threads [default: number of cores]
    #[arg(long, env, value_name = "THREADS", value_parser = |text: &str| number(text, 1..=1024))]
    pub threads: Option<usize>,

    /// File with accepted webhook tokens (or set WEBHOOK_TOKEN)
    #[arg(long, env, value_name = "FILE", hide_env_values = true)]
    pub webhook_token_file: Option<PathBuf>,

    /// File with accepted read tokens (or set READ_TOKEN)
    #[arg(long, env, value_name = "FILE", hide_env_values = true)]
    pub read_token_file: Option<PathBuf>,

    /// The accepted webhook tokens. [`Config::load_tokens`] sets them.
    #[arg(skip)]
    pub webhook_tokens: Option<Tokens>,

    /// The accepted read tokens. [`Config::load_tokens`] sets them.
    #[arg(skip)]
    pub read_tokens: Option<Tokens>,

    /// Maximum number of open connections; over it idle ones are closed for new ones
    #[arg(long, env, value_name = "CONNECTIONS", default_value = "1024")]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_connections: usize,

    /// Maximum size of a request's first line and headers
    #[arg(long, env, value_name = "SIZE", default_value = "16KiB")]
    #[arg(value_parser = |text: &str| size(text, KIB..=MIB))]
    pub max_header: usize,

    /// Time limit for receiving the headers of a request
    #[arg(long, env, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub header_timeout: Duration,

    /// Maximum size of an update's body
    #[arg(long, env, value_name = "SIZE", default_value = "4MiB")]
    #[arg(value_parser = |text: &str| size(text, KIB..=GIB))]
    pub max_body: usize,

    /// Time limit for receiving the body after the headers
    #[arg(long, env, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub body_timeout: Duration,

    /// Maximum memory for request bodies being received, and the same again for responses being sent
    #[arg(long, env, value_name = "SIZE", default_value = "64MiB")]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_in_flight: usize,

    /// Time limit for a client that stops reading its response
    #[arg(long, env, value_name = "TIME", default_value = "30s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub send_timeout: Duration,

    /// Time limit between two requests on a connection
    #[arg(long, env, value_name = "TIME", default_value = "75s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub idle_timeout: Duration,

    /// Maximum number of runs; over it the least recently updated one is dropped
    #[arg(long, env, value_name = "RUNS", default_value = "100000")]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub max_runs: usize,

    /// Maximum memory for runs; one run may use at most a sixteenth of it
    #[arg(long, env, value_name = "SIZE", default_value = "256MiB")]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_bytes: usize,

    /// How long a run is kept after its last update
    #[arg(long, env, value_name = "TIME", default_value = "7d")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=TEN_YEARS))]
    pub retention: Duration,

    /// Maximum number of streams and waiting requests; at most half of --max-connections
    #[arg(long, env, value_name = "SUBSCRIBERS", default_value = "512")]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_subscribers: usize,

    /// Number of changes that a stream may fall behind before it starts over
    #[arg(long, env, value_name = "CHANGES", default_value = "65536")]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub stream_backlog: usize,

    /// Origins whose pages may read runs and streams, separated by commas, or *
    #[arg(long, env, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub cors_origin: Vec<String>,

    /// Time limit for requests in flight at shutdown
    #[arg(long, env, value_name = "TIME", default_value = "8s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub drain_timeout: Duration,

    /// Log level: error, warn, info, debug or trace; also by module, such as info,hyper=debug
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    #[arg(value_parser = log_filter)]
    pub log: String,

    /// Log format: text, or json with one object per line
    #[arg(long, env, value_name = "FORMAT", default_value = "text")]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Config {
    /// Parses flags without reading the environment, so that tests and benches do not depend on it.
    ///
    /// # Errors
    /// When a flag is unknown, or its value is invalid.
    pub fn from_flags(flags: &[&str]) -> Result<Self, clap::Error> {
        let command = clap::Command::new("flags").no_binary_name(true);
        let command = Self::augment_args(command).mut_args(|flag| flag.env(Resettable::Reset));
        Self::from_arg_matches(&command.try_get_matches_from(flags)?)
    }

    /// Reads the tokens from their variables or files.
    ///
    /// # Errors
    /// When a variable or file does not contain valid tokens, or both are set. The error shows neither the
    /// tokens nor the name of the file, which may be a token by mistake.
    pub fn load_tokens(
        &mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), String> {
        let webhook = (&self.webhook_token_file, &mut self.webhook_tokens);
        let read = (&self.read_token_file, &mut self.read_tokens);
        for (name, (file, tokens)) in [("WEBHOOK_TOKEN", webhook), ("READ_TOKEN", read)] {
            let (source, read) = match (variable(name), file) {
                (None, None) => continue,
                (Some(text), None) => (name.to_owned(), text.to_string_lossy().parse()),
                (None, Some(file)) => (format!("{name}_FILE"), Tokens::from_file(file)),
                (Some(_), Some(_)) => {
                    return Err(format!("both {name} and {name}_FILE are set, expected one"));
                }
            };
            *tokens = Some(read.map_err(|error| format!("{source}: {error}"))?);
        }
        Ok(())
    }
}
