//! Flags and environment variables, parsed once into values that cannot be wrong.

use std::{ffi::OsString, net::SocketAddr, ops::RangeInclusive, time::Duration};

use bytesize::{ByteSize, GIB, KIB, MIB, TIB};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use tracing_subscriber::EnvFilter;

use crate::tokens::{NoTokens, Tokens};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to do it.
    #[command(flatten)]
    pub config: Config,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask the service at --listen whether it is ready; exit with 0 if it is, with 1 if not
    Healthcheck,
}

/// How to serve. The first line of each field is its line in `--help`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, env, value_name = "ADDRESS:PORT", global = true)]
    #[arg(default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// File with the tokens of which an update must carry one; or put them into WEBHOOK_TOKEN
    #[arg(
        long = "webhook-token-file",
        env = "WEBHOOK_TOKEN_FILE",
        value_name = "FILE"
    )]
    #[arg(value_parser = Tokens::from_file)]
    pub webhook_tokens: Option<Tokens>,

    /// File with the tokens of which a reader must carry one; or put them into READ_TOKEN
    #[arg(long = "read-token-file", env = "READ_TOKEN_FILE", value_name = "FILE")]
    #[arg(value_parser = Tokens::from_file)]
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

    /// Longest wait at shutdown for requests in flight, from 1ms to 1h
    #[arg(long, env, value_name = "TIME", default_value = "10s")]
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
    /// Takes the tokens that are given as variables and not as files.
    ///
    /// # Errors
    /// When a variable holds no tokens, or there are a variable and a file; the error says which, and
    /// does not show them.
    pub fn take_tokens(
        &mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), String> {
        for (name, tokens) in [
            ("WEBHOOK_TOKEN", &mut self.webhook_tokens),
            ("READ_TOKEN", &mut self.read_tokens),
        ] {
            let Some(text) = variable(name) else {
                continue;
            };
            if tokens.is_some() {
                return Err(format!(
                    "there are both {name} and {name}_FILE, expected one"
                ));
            }
            let text = text.to_string_lossy();
            let parsed = text
                .parse()
                .map_err(|error: NoTokens| format!("{name}: {error}"))?;
            *tokens = Some(parsed);
        }
        Ok(())
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
const TEN_YEARS: Duration = Duration::from_hours(24 * 3650);

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an IP address and a port such as 127.0.0.1:8080 or [::]:8080")
}

fn size(text: &str, accepted: RangeInclusive<u64>) -> Result<usize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "expected a number of bytes, or a size such as 4MiB".to_owned())?;
    usize::try_from(size.as_u64())
        .ok()
        .filter(|_| accepted.contains(&size.as_u64()))
        .ok_or_else(|| {
            let (least, most) = (ByteSize::b(*accepted.start()), ByteSize::b(*accepted.end()));
            format!("expected a size from {least} to {most}")
        })
}

fn time(text: &str, accepted: RangeInclusive<Duration>) -> Result<Duration, String> {
    let span: Span = text
        .parse()
        .map_err(|_| "expected a time such as 10s, 1h 30m or 7d".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .and_then(Duration::try_from)
        .ok()
        .filter(|time| accepted.contains(time))
        .ok_or_else(|| {
            let shown = |time| {
                SignedDuration::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:#}"))
            };
            format!(
                "expected a time from {} to {}",
                shown(*accepted.start()),
                shown(*accepted.end())
            )
        })
}

fn number(text: &str, accepted: RangeInclusive<usize>) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if accepted.contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a whole number from {} to {}",
            accepted.start(),
            accepted.end()
        )),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("4096", 4096),
            ("4KiB", 4096),
            ("4kb", 4000),
            ("1.5 KiB", 1536),
        ] {
            assert_eq!(size(text, KIB..=GIB), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "4 apples", "1", "2GiB", "99999999999999999999"] {
            assert!(size(text, KIB..=GIB).is_err(), "{text}");
        }
        assert_eq!(
            size("1", KIB..=GIB),
            Err("expected a size from 1.0 KiB to 1.0 GiB".to_owned())
        );
    }

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [
            ("10s", 10),
            ("7d", 7 * 86_400),
            ("1h 30m", 5_400),
            ("PT5S", 5),
        ] {
            assert_eq!(
                time(text, MILLISECOND..=TEN_YEARS),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "10", "-10s", "10s ago", "0s", "1month", "forever"] {
            assert!(time(text, MILLISECOND..=HOUR).is_err(), "{text}");
        }
        assert_eq!(
            time("2h", MILLISECOND..=HOUR),
            Err("expected a time from 1ms to 1h".to_owned())
        );
    }
}
