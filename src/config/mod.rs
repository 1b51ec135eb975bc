//! Flags and environment variables, parsed once into values that cannot be wrong.

pub(crate) mod values;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use bytesize::{GIB, KIB, MIB, TIB};
use clap::{Args, FromArgMatches as _, ValueEnum, builder::Resettable};

use self::values::{HOUR, MILLISECOND, TEN_YEARS, address, log_filter, number, origin, size, time};
use crate::tokens::Tokens;

/// How to serve. The first line of each field is its line in `--help`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, env, value_name = "ADDRESS:PORT", global = true)]
    #[arg(default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// Threads that serve, from 1 to 1024; as many as there are cores unless given
    #[arg(long, env, value_name = "THREADS", value_parser = |text: &str| number(text, 1..=1024))]
    pub threads: Option<usize>,

    /// File with the tokens of which an update must carry one; or put them into WEBHOOK_TOKEN
    #[arg(long, env, value_name = "FILE", hide_env_values = true)]
    pub webhook_token_file: Option<PathBuf>,

    /// File with the tokens of which a reader must carry one; or put them into READ_TOKEN
    #[arg(long, env, value_name = "FILE", hide_env_values = true)]
    pub read_token_file: Option<PathBuf>,

    /// What an update must carry one of, once [`Config::take_tokens`] has read it.
    #[arg(skip)]
    pub webhook_tokens: Option<Tokens>,

    /// What a reader must carry one of, once [`Config::take_tokens`] has read it.
    #[arg(skip)]
    pub read_tokens: Option<Tokens>,

    /// Most connections at a time, from 1 to 100000; over it the newest wait
    #[arg(long, env, value_name = "CONNECTIONS", default_value = "1024")]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_connections: usize,

    /// Most bytes of a request's first line and headers, in bytes or with a unit, from 1KiB to 1MiB
    #[arg(long, env, value_name = "SIZE", default_value = "16KiB")]
    #[arg(value_parser = |text: &str| size(text, KIB..=MIB))]
    pub max_header: usize,

    /// Longest wait for the headers of a request that has begun, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub header_timeout: Duration,

    /// Largest update body taken, in bytes or with a unit, from 1KiB to 1GiB
    #[arg(long, env, value_name = "SIZE", default_value = "4MiB")]
    #[arg(value_parser = |text: &str| size(text, KIB..=GIB))]
    pub max_body: usize,

    /// Longest wait for a body whose headers have arrived, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub body_timeout: Duration,

    /// Most memory for bodies on their way in, and as much for answers on their way out, from 1MiB to 1TiB
    #[arg(long, env, value_name = "SIZE", default_value = "64MiB")]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_in_flight: usize,

    /// Longest wait for a client to go on taking its answer, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "30s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub send_timeout: Duration,

    /// Longest wait for another request on a connection, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "75s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub idle_timeout: Duration,

    /// Most runs kept, from 1 to 10000000; the least recently updated goes first
    #[arg(long, env, value_name = "RUNS", default_value = "100000")]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub max_runs: usize,

    /// Most memory for runs, in bytes or with a unit, from 1MiB; one run may hold a sixteenth of it
    #[arg(long, env, value_name = "SIZE", default_value = "256MiB")]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_bytes: usize,

    /// Time a run is kept after its last update, from 1ms to 3650d
    #[arg(long, env, value_name = "TIME", default_value = "7d")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=TEN_YEARS))]
    pub retention: Duration,

    /// Most streams and waiting requests at a time, from 1 to 100000; never more than half of the connections
    #[arg(long, env, value_name = "SUBSCRIBERS", default_value = "512")]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_subscribers: usize,

    /// Changes that a stream may be behind before it starts over, from 1 to 10000000
    #[arg(long, env, value_name = "CHANGES", default_value = "65536")]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub stream_backlog: usize,

    /// Origin of a page that may read runs and streams, or *; repeat it, or separate several by commas
    #[arg(long, env, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub cors_origin: Vec<String>,

    /// Longest wait at shutdown for requests in flight, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "8s")]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub drain_timeout: Duration,

    /// What to log: error, warn, info, debug or trace, for all or by module as in info,hyper=debug
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info")]
    #[arg(value_parser = log_filter)]
    pub log: String,

    /// How to write a log line: text, or json for one object a line
    #[arg(long, env, value_name = "FORMAT", default_value = "text")]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// How to write a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// What these flags alone say, for tests and benches: they have to do the same whatever the environment
    /// is.
    ///
    /// # Errors
    /// When there is no such flag, or its value is wrong.
    pub fn from_flags(flags: &[&str]) -> Result<Self, clap::Error> {
        let command = clap::Command::new("flags").no_binary_name(true);
        let command = Self::augment_args(command).mut_args(|flag| flag.env(Resettable::Reset));
        Self::from_arg_matches(&command.try_get_matches_from(flags)?)
    }

    /// Reads the tokens, each from its variable or its file.
    ///
    /// # Errors
    /// When there are no tokens in one, or there are both; the error shows neither the tokens nor the
    /// file's name, which may be a token by mistake.
    pub fn take_tokens(
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
                    return Err(format!(
                        "there are both {name} and {name}_FILE, expected one"
                    ));
                }
            };
            *tokens = Some(read.map_err(|error| format!("{source}: {error}"))?);
        }
        Ok(())
    }
}
