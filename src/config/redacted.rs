//! Values that may contain a secret: no error shows them.

use std::{ffi::OsStr, fmt::Display, fs, path::Path, str::FromStr};

use clap::{
    Arg, Command,
    builder::TypedValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// Reads a value from a file. The error shows neither the value nor the name of the file, which may be the secret by
/// mistake.
pub(crate) fn from_file<T: FromStr<Err: Display>>(file: &Path) -> Result<T, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read it: {error}"))?;
    let value = text.trim().parse();
    value.map_err(|error: T::Err| error.to_string())
}

/// Parses a value. With a plain function clap's error would show it.
#[derive(Clone)]
pub(crate) struct Redacted<F>(pub(crate) F);

impl<F, T, E> TypedValueParser for Redacted<F>
where
    F: Fn(&OsStr) -> Result<T, E> + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: Display,
{
    type Value = T;

    fn parse_ref(&self, _: &Command, flag: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        self.0(value).map_err(|error| {
            let flag = flag.map_or_else(String::new, ToString::to_string);
            let reason = error.to_string();
            let line = format!("invalid value for '{flag}': {reason}\n");
            let mut error = clap::Error::raw(ErrorKind::ValueValidation, line);
            error.insert(ContextKind::Custom, ContextValue::String(reason));
            error
        })
    }
}

/// What [`Redacted`] says of a value; `None` if the error is not one of its errors.
pub(crate) fn redacted_reason(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::Custom) {
        Some(ContextValue::String(reason)) => Some(reason),
        _ => None,
    }
}
