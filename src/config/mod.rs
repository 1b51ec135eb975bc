//! Flags and environment variables, parsed once into valid values.

mod database_url;
mod listen;
mod log_filter;
pub(crate) mod redacted;
mod secrets;
pub(crate) mod values;
mod variables;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bytesize::{GIB, KIB, MIB, TIB};
use clap::{Args, FromArgMatches as _, ValueEnum};

pub use self::{
    database_url::{DatabaseUrl, DatabaseUrlError},
    listen::Listen,
    log_filter::LogFilter,
    variables::{VariableError, flags_of_variables, ignoring_variables},
};
use self::{
    log_filter::DEFAULT_LEVEL,
    redacted::Redacted,
    values::{HOUR, MILLISECOND, TEN_YEARS, number, origin, size, time},
};
use crate::{hosts::AllowedHost, tokens::Tokens};

const BASICS: &str = "Basics";
const TOKENS: &str = "Tokens";
const DATABASE: &str = "Database";
const LIMITS: &str = "Limits";
const TIMEOUTS: &str = "Timeouts";
const LOGGING: &str = "Logging";

/// The flags of the service. The comment of each field is its line in `--help`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port, such as 0.0.0.0:80; also localhost:80, :80 (all interfaces) or 80
    /// [default: 127.0.0.1:8080, or 0.0.0.0:$PORT if PORT is set]
    #[arg(long, env, value_name = "ADDRESS", global = true, help_heading = BASICS)]
    pub listen: Option<Listen>,

    /// The port that a platform assigned in PORT. [`Config::load_variables`] sets it.
    #[arg(skip)]
    pub platform_port: Option<u16>,

    /// Worker threads [default: number of cores]
    #[arg(long, env, value_name = "N", help_heading = BASICS)]
    #[arg(value_parser = |text: &str| number(text, 1..=1024))]
    pub threads: Option<usize>,

    /// Origins whose pages may read runs and streams, separated by commas, or *
    #[arg(long, env, value_name = "ORIGIN", help_heading = BASICS)]
    #[arg(value_delimiter = ',', value_parser = origin)]
    pub cors_origin: Vec<String>,

    /// Hosts at which everyone may read, if READ_TOKEN is not set, separated by commas, or *
    #[arg(long, env, value_name = "HOST", help_heading = BASICS)]
    #[arg(value_delimiter = ',')]
    pub allow_host: Vec<AllowedHost>,

    /// File with accepted webhook tokens (or set WEBHOOK_TOKEN)
    #[arg(long, env, value_name = "FILE", help_heading = TOKENS)]
    pub webhook_token_file: Option<PathBuf>,

    /// File with accepted read tokens (or set READ_TOKEN)
    #[arg(long, env, value_name = "FILE", help_heading = TOKENS)]
    pub read_token_file: Option<PathBuf>,

    /// The accepted webhook tokens. [`Config::load_variables`] sets them.
    #[arg(skip)]
    pub webhook_tokens: Option<Tokens>,

    /// The accepted read tokens. [`Config::load_variables`] sets them.
    #[arg(skip)]
    pub read_tokens: Option<Tokens>,

    /// Keep runs in sqlite:FILE [default: in memory]
    #[arg(long, env, value_name = "URL", global = true, help_heading = DATABASE)]
    #[arg(value_parser = Redacted(DatabaseUrl::from_os_str))]
    pub database_url: Option<DatabaseUrl>,

    /// File with the URL of the database
    #[arg(long, env, value_name = "FILE", global = true, help_heading = DATABASE)]
    pub database_url_file: Option<PathBuf>,

    /// Open connections; over it idle ones are closed
    #[arg(long, env, value_name = "N", default_value = "1024", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_connections: usize,

    /// Size of a request's first line and headers
    #[arg(long, env, value_name = "SIZE", default_value = "16KiB", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| size(text, KIB..=MIB))]
    pub max_header: usize,

    /// Size of an update's body
    #[arg(long, env, value_name = "SIZE", default_value = "4MiB", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| size(text, KIB..=GIB))]
    pub max_body: usize,

    /// Memory for requests being received, and the same again for responses being sent
    #[arg(long, env, value_name = "SIZE", default_value = "48MiB", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_in_flight: usize,

    /// Runs; over it the least recently updated one is dropped
    #[arg(long, env, value_name = "N", default_value = "100000", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub max_runs: usize,

    /// Memory for runs; one run may use at most a sixteenth of it
    #[arg(long, env, value_name = "SIZE", default_value = "256MiB", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| size(text, MIB..=TIB))]
    pub max_bytes: usize,

    /// How long a run is kept after its last update
    #[arg(long, env, value_name = "TIME", default_value = "7d", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=TEN_YEARS))]
    pub retention: Duration,

    /// Streams and waiting requests; at most half of --max-connections
    #[arg(long, env, value_name = "N", default_value = "512", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| number(text, 1..=100_000))]
    pub max_subscribers: usize,

    /// Changes that a stream may fall behind before it starts over
    #[arg(long, env, value_name = "N", default_value = "65536", help_heading = LIMITS)]
    #[arg(value_parser = |text: &str| number(text, 1..=10_000_000))]
    pub stream_backlog: usize,

    /// Receiving the headers of a request
    #[arg(long, env, value_name = "TIME", default_value = "10s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub header_timeout: Duration,

    /// Receiving the body, after the headers
    #[arg(long, env, value_name = "TIME", default_value = "10s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub body_timeout: Duration,

    /// A client that stops reading its response
    #[arg(long, env, value_name = "TIME", default_value = "30s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub send_timeout: Duration,

    /// Between two requests on a connection
    #[arg(long, env, value_name = "TIME", default_value = "75s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub idle_timeout: Duration,

    /// Going on after SIGTERM, while /readyz answers 503
    #[arg(long, env, value_name = "TIME", default_value = "0s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, Duration::ZERO..=HOUR))]
    pub drain_delay: Duration,

    /// Requests in flight at shutdown
    #[arg(long, env, value_name = "TIME", default_value = "8s", help_heading = TIMEOUTS)]
    #[arg(value_parser = |text: &str| time(text, MILLISECOND..=HOUR))]
    pub drain_timeout: Duration,

    /// Level (off, error, warn, info, debug, trace), and levels of modules: info,hyper=debug
    #[arg(long, env = "RUST_LOG", value_name = "LEVEL", help_heading = LOGGING)]
    #[arg(default_value = DEFAULT_LEVEL)]
    pub log: LogFilter,

    /// text, or json: one object per line
    #[arg(long, env, value_name = "FORMAT", default_value = "text", help_heading = LOGGING)]
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
        let command = ignoring_variables(Self::augment_args(command));
        Self::from_arg_matches(&command.try_get_matches_from(flags)?)
    }

    /// The address to listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        listen::address(self.listen, self.platform_port)
    }
}
