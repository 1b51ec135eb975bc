//! Environment variables: those of flags, `PORT`, and the tokens.
//!
//! clap could read those of flags, but it takes an empty variable for a value and names the flag in its errors.

use std::{
    error::Error as _,
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

use clap::{
    ArgMatches, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{Config, Listen, listen::parse_port};
use crate::tokens::{TokenError, Tokens};

/// What is wrong with a variable. Neither tokens nor the name of their file, which may be a token by mistake, are
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
    /// There are no valid tokens in a variable, or in the file that a variable or a flag names.
    Tokens {
        /// The variable or the flag.
        name: String,
        /// Why there are none.
        error: TokenError,
    },
    /// It should name a file of tokens and is empty.
    NoFile {
        /// The variable.
        name: String,
    },
    /// Tokens are given twice.
    BothSet {
        /// The variable that holds tokens.
        name: String,
        /// The variable or the flag that names a file of tokens.
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
            Self::Tokens { name, error } => write!(f, "{name}: {error}"),
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
        alone.map_err(|error| invalid(name, &value, reason(&error)))?;
        arguments.push(argument);
    }
    Ok(arguments)
}

impl Config {
    /// Reads the variables that belong to no flag: PORT and the tokens.
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
        Ok(())
    }
}

/// The tokens in the variable `name` or in `file`. Where both are empty and one of them is set, that is an error:
/// an empty token is probably a mistake, and must not open the service to all.
fn tokens(
    name: &str,
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Tokens>, VariableError> {
    let file_variable = format!("{name}_FILE");
    let of_variable = set(variable(&file_variable));
    let text = variable(name);
    let (source, tokens) = match (&text, file) {
        (None, None) if variable(&file_variable).is_some() => {
            return Err(VariableError::NoFile {
                name: file_variable,
            });
        }
        (None, None) => return Ok(None),
        (Some(text), None) => (name.to_owned(), text.to_string_lossy().parse()),
        (_, Some(file)) => {
            let source = if of_variable.is_some_and(|value| file.as_os_str() == value) {
                file_variable
            } else {
                format!("--{}", file_variable.to_ascii_lowercase().replace('_', "-"))
            };
            if set(text.clone()).is_some() {
                let name = name.to_owned();
                return Err(VariableError::BothSet { name, file: source });
            }
            (source, Tokens::from_file(file))
        }
    };
    let tokens = tokens.map_err(|error| VariableError::Tokens {
        name: source,
        error,
    })?;
    Ok(Some(tokens))
}

/// The value of a variable, without space around it. An empty one counts as not set: that is what `${NAME:-}` in a
/// compose file gives.
fn set(value: Option<OsString>) -> Option<OsString> {
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
