//! The URL of the database. It may contain a password, so no error shows any of it.

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::OsStringExt as _,
    path::PathBuf,
    str::FromStr,
};

use percent_encoding::percent_decode_str;

/// The database that keeps runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// SQLite, in the file at this path.
    Sqlite(PathBuf),
}

/// What may be shown of it.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
        }
    }
}

/// Why a URL is not one of a database. The error does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseUrlError {
    /// It is not UTF-8.
    NotUtf8,
    /// It has no scheme; it may be a plain path.
    NoScheme,
    /// It has another scheme, such as `postgres`.
    OtherScheme,
    /// It is a `file:` URL.
    FileScheme,
    /// There is no path in it, or the path of a directory.
    NoFile,
    /// It is a database in memory.
    InMemory,
    /// It has parameters.
    Query,
    /// It has a fragment.
    Fragment,
    /// There is a control character in the path, such as NUL or a line break.
    ControlCharacter,
}

impl fmt::Display for DatabaseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "expected text in UTF-8, with other bytes percent-encoded",
            Self::NoScheme => "expected sqlite: before the path of the file, such as sqlite:runs.db",
            Self::OtherScheme => "only sqlite:FILE is supported, such as sqlite:runs.db",
            Self::FileScheme => "expected sqlite:FILE without file:, such as sqlite:runs.db",
            Self::NoFile => "it names no file, expected sqlite:FILE, such as sqlite:runs.db",
            Self::InMemory => {
                "expected sqlite:FILE; without DATABASE_URL runs are kept in memory"
            }
            Self::Query => {
                "parameters such as ?mode=rwc are not supported, leave them out; in the path, write %3F for ?"
            }
            Self::Fragment => {
                "a fragment after # is not supported, leave it out; in the path, write %23 for #"
            }
            Self::ControlCharacter => "there is a control character in the path of the file",
        })
    }
}

impl Error for DatabaseUrlError {}

impl DatabaseUrl {
    /// Parses the value of a flag.
    pub(super) fn from_os_str(url: &OsStr) -> Result<Self, DatabaseUrlError> {
        url.to_str().ok_or(DatabaseUrlError::NotUtf8)?.parse()
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(url: &str) -> Result<Self, DatabaseUrlError> {
        if url.is_empty() {
            return Err(DatabaseUrlError::NoFile);
        }
        let (scheme, rest) = url
            .split_once(':')
            .filter(|(scheme, _)| is_scheme(scheme))
            .ok_or(DatabaseUrlError::NoScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_file(rest).map(Self::Sqlite),
            "file" => Err(DatabaseUrlError::FileScheme),
            _ => Err(DatabaseUrlError::OtherScheme),
        }
    }
}

/// Whether a URL can begin with this (RFC 3986). `./a:b` has no scheme.
fn is_scheme(text: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_valid)
}

/// The path in the rest of a URL, after `sqlite:`.
fn sqlite_file(rest: &str) -> Result<PathBuf, DatabaseUrlError> {
    if rest.contains('?') {
        return Err(DatabaseUrlError::Query);
    }
    if rest.contains('#') {
        return Err(DatabaseUrlError::Fragment);
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path: Vec<u8> = percent_decode_str(path).collect();
    if path.iter().any(u8::is_ascii_control) {
        return Err(DatabaseUrlError::ControlCharacter);
    }
    // Once decoded, since SQLite itself would take these for a database in memory and for a URL.
    if path.strip_prefix(b"/").unwrap_or(&path) == b":memory:" {
        return Err(DatabaseUrlError::InMemory);
    }
    if path.starts_with(b"file:") {
        return Err(DatabaseUrlError::FileScheme);
    }
    if path.is_empty() || path.ends_with(b"/") {
        return Err(DatabaseUrlError::NoFile);
    }
    Ok(OsString::from_vec(path).into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn a_url_of_sqlite_names_a_relative_or_an_absolute_path() {
        for (url, path) in [
            ("sqlite:runs.db", "runs.db"),
            ("sqlite://runs.db", "runs.db"),
            ("sqlite:./data/runs.db", "./data/runs.db"),
            ("sqlite://data/runs.db", "data/runs.db"),
            ("sqlite:/data/runs.db", "/data/runs.db"),
            ("sqlite:///data/runs.db", "/data/runs.db"),
            ("sqlite:////data/runs.db", "/data/runs.db"),
            ("SQLite:Runs.db", "Runs.db"),
            ("sqlite:my runs.db", "my runs.db"),
            ("sqlite:my%20runs.db", "my runs.db"),
            ("sqlite:%3F%23%25.db", "?#%.db"),
            ("sqlite:100%.db", "100%.db"),
            ("sqlite:läufe.db", "läufe.db"),
            ("sqlite:l%C3%A4ufe.db", "läufe.db"),
            ("sqlite:runs", "runs"),
            ("sqlite:a:b@c", "a:b@c"),
        ] {
            let path = PathBuf::from(path);
            assert_eq!(url.parse(), Ok(DatabaseUrl::Sqlite(path)), "{url}");
        }
    }

    #[test]
    fn a_path_need_not_be_utf_8_once_it_is_decoded() {
        let path = OsStr::from_bytes(b"runs\xff.db").into();
        assert_eq!("sqlite:runs%FF.db".parse(), Ok(DatabaseUrl::Sqlite(path)));
        let url = OsStr::from_bytes(b"sqlite:runs\xff.db");
        let read = DatabaseUrl::from_os_str(url);
        assert_eq!(read, Err(DatabaseUrlError::NotUtf8));
    }

    #[test]
    fn what_does_not_name_a_file_of_sqlite_is_rejected() {
        use DatabaseUrlError::*;
        for (error, urls) in [
            (
                NoScheme,
                &["runs.db", "/data/runs.db", "./a:b", ":memory:", " sqlite:x"][..],
            ),
            (
                OtherScheme,
                &[
                    "postgres://user:password@host/db",
                    "postgresql://host/db",
                    "mysql://host/db",
                    "sqlite3:runs.db",
                    "sqlite+aiosqlite:///runs.db",
                    "C:\\runs.db",
                ],
            ),
            (
                FileScheme,
                &["file:./dev.db", "sqlite:file:runs.db", "sqlite:%66ile:x"],
            ),
            (
                NoFile,
                &["", "sqlite:", "sqlite://", "sqlite:///", "sqlite:data/"],
            ),
            (
                InMemory,
                &[
                    "sqlite::memory:",
                    "sqlite://:memory:",
                    "sqlite:///:memory:",
                    "sqlite:%3Amemory%3a",
                ],
            ),
            (Query, &["sqlite:runs.db?mode=rwc", "sqlite://runs.db?"]),
            (Fragment, &["sqlite:runs.db#1"]),
            (
                ControlCharacter,
                &["sqlite:a%00b", "sqlite:a\0b", "sqlite:a\nsqlite:b"],
            ),
        ] {
            for url in urls {
                assert_eq!(url.parse::<DatabaseUrl>(), Err(error), "{url}");
            }
        }
    }
}
