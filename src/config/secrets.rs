//! Tokens and the URL of the database: each is given in a variable, or in a file, as Docker and Kubernetes give
//! secrets.

use std::{ffi::OsString, fmt::Display, path::Path, str::FromStr};

use super::{DatabaseUrl, VariableError, redacted::from_file, variables::set};
use crate::tokens::{TokenError, Tokens};

/// The tokens in the variable `name` or in `file`. Where both are empty and one of them is set, that is an error:
/// an empty token is probably a mistake, and must not open the service to all.
pub(super) fn tokens(
    name: &str,
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Tokens>, VariableError> {
    let given = set(variable(name)).map(|_| name.to_owned());
    if let Some(tokens) = in_file(name, given, file, variable)? {
        return Ok(Some(tokens));
    }
    let tokens = variable(name).map(|text| text.to_string_lossy().parse());
    tokens
        .transpose()
        .map_err(|error: TokenError| VariableError::Secret {
            name: name.to_owned(),
            reason: error.to_string(),
        })
}

/// The `url` that the flag or its variable gave, or the one in `file`.
pub(super) fn database_url(
    url: Option<DatabaseUrl>,
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<DatabaseUrl>, VariableError> {
    let name = "DATABASE_URL";
    let of_variable = set(variable(name)).is_some();
    let given = url.is_some().then(|| source(name, of_variable));
    Ok(in_file(name, given, file, variable)?.or(url))
}

/// The secret `name` in `file`. There is none without a file; if it is also `given`, by this variable or flag, that is
/// an error.
fn in_file<T: FromStr<Err: Display>>(
    name: &str,
    given: Option<String>,
    file: Option<&Path>,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Option<T>, VariableError> {
    let name = format!("{name}_FILE");
    let named = variable(&name);
    let Some(file) = file else {
        return match named {
            Some(_) if given.is_none() => Err(VariableError::NoFile { name }),
            _ => Ok(None),
        };
    };
    let name = source(
        &name,
        set(named).is_some_and(|value| file.as_os_str() == value),
    );
    if let Some(given) = given {
        return Err(VariableError::BothSet {
            name: given,
            file: name,
        });
    }
    let secret = from_file(file).map_err(|reason| VariableError::Secret { name, reason })?;
    Ok(Some(secret))
}

/// The variable `name`, or its flag.
fn source(name: &str, is_variable: bool) -> String {
    if is_variable {
        name.to_owned()
    } else {
        format!("--{}", name.to_ascii_lowercase().replace('_', "-"))
    }
}
