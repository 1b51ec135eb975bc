//! Environment variables: those of flags, `PORT`, and those of secrets.
//!
//! clap could read those of flags, but it takes an empty variable for a value and names the flag in its errors.

use std::{
    error::Error as _,
    ffi::{OsStr, OsString},
    fmt,
};

use clap::{
    ArgMatches, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    Config, Listen,
    listen::parse_port,
    redacted::redacted_reason,
    secrets::{database_url, tokens},
};

/// What is wrong with a variable. Neither secrets nor the name of their file, which may be a secret by mistake, are
/// shown.
#[derive(Debug)]
pub enum VariableError {
    /// Its value is invalid.
    Invalid {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
        /// What is accepted.
        reason: String,
    },
    /// There is no valid secret in a variable, or in the file that a variable or a flag names.
    Secret {
        /// The variable or the flag.
        name: String,
        /// What is accepted, or why the file cannot be read.
        reason: String,
    },
    /// It should name the file of a secret and is empty.
    NoFile {
        /// The variable.
        name: String,
    },
    /// A secret is given twice.
    BothSet {
        /// The variable or the flag that holds it.
        name: String,
        /// The variable or the flag that names its file.
        file: String,
    },
}

impl fmt::Display for VariableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid {
                name,
                value,
                reason,
            } => write!(f, "{name}={}: {reason}", value.escape_debug()),
            Self::Secret { name, reason } => write!(f, "{name}: {reason}"),
            Self::NoFile { name } => write!(f, "{name}: it is empty, expected the name of a file"),
            Self::BothSet { name, file } => {
                write!(f, "both {name} and {file} are set, expected one")
            }
        }
    }
}

impl std::error::Error for VariableError {}

/// The same command, but clap does not read the environment.
#[must_use]
pub fn ignoring_variables(command: Command) -> Command {
    command.mut_args(|flag| flag.env(Resettable::Reset))
}

/// The variables of the flags of `command` that are not among the `given` ones, as arguments.
///
/// # Errors
/// When the value of one is invalid.
pub fn flags_of_variables(
    command: &Command,
    given: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, VariableError> {
    let one_flag = ignoring_variables(command.clone());
    let mut arguments = Vec::new();
    for flag in command.get_arguments() {
        let (Some(long), Some(name)) = (flag.get_long(), flag.get_env().and_then(OsStr::to_str))
        else {
            continue;
        };
        let is_given = given.value_source(flag.get_id().as_str()) == Some(ValueSource::CommandLine);
        let Some(value) = set(variable(name)).filter(|_| !is_given) else {
            continue;
        };
        let mut argument = OsString::from(format!("--{long}="));
        argument.push(&value);
        // Alone, so that an error is known to be about this one.
        let alone = one_flag.clone().try_get_matches_from([&argument]);
        alone.map_err(|error| match redacted_reason(&error) {
            Some(reason) => VariableError::Secret {
                name: name.to_owned(),
                reason: reason.to_owned(),
            },
            None => invalid(name, &value, reason(&error)),
        })?;
        arguments.push(argument);
    }
    Ok(arguments)
}

impl Config {
    /// Reads the variables that belong to no flag, PORT and the tokens, and the files of secrets.
    ///
    /// # Errors
    /// When a variable or a file is invalid.
    pub fn load_variables(
        &mut self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), VariableError> {
        if !matches!(self.listen, Some(Listen::Address(_)))
            && let Some(port) = set(variable("PORT"))
        {
            let read = parse_port(&port.to_string_lossy());
            self.platform_port = Some(read.map_err(|error| invalid("PORT", &port, error))?);
        }
        let file = self.webhook_token_file.as_deref();
        self.webhook_tokens = tokens("WEBHOOK_TOKEN", file, &variable)?;
        let file = self.read_token_file.as_deref();
        self.read_tokens = tokens("READ_TOKEN", file, &variable)?;
        let (url, file) = (self.database_url.take(), self.database_url_file.as_deref());
        self.database_url = database_url(url, file, &variable)?;
        Ok(())
    }
}

/// The value of a variable, without space around it. An empty one counts as not set: that is what `${NAME:-}` in a
/// compose file gives.
pub(super) fn set(value: Option<OsString>) -> Option<OsString> {
    let value = match value?.into_string() {
        Ok(text) => OsString::from(text.trim()),
        Err(not_utf8) => not_utf8,
    };
    Some(value).filter(|value| !value.is_empty())
}

fn invalid(name: &str, value: &OsStr, reason: impl Into<String>) -> VariableError {
    VariableError::Invalid {
        name: name.to_owned(),
        value: value.to_string_lossy().into_owned(),
        reason: reason.into(),
    }
}

/// What clap says of a value, without the flag.
fn reason(error: &clap::Error) -> String {
    match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(ContextValue::Strings(accepted))) => {
            format!("expected {}", accepted.join(" or "))
        }
        _ if error.kind() == ErrorKind::InvalidUtf8 => "expected text in UTF-8".to_owned(),
        _ => "invalid value".to_owned(),
    }
}
