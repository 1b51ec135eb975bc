//! The secrets that let a request pass.

use std::{error::Error, fmt, fs, io, path::Path, str::FromStr};

use subtle::{Choice, ConstantTimeEq};

/// One or several tokens, any of which lets a request pass. Nothing shows what they are.
#[derive(Clone)]
pub struct Tokens(Vec<String>);

/// Why a text holds no tokens. It does not show the text.
#[derive(Debug)]
pub enum NoTokens {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// There is nothing in it.
    Empty,
    /// There is something that cannot be sent in a header as it is.
    Unsendable,
}

impl fmt::Display for NoTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot read it: {error}"),
            Self::Empty => f.write_str("there is no token in it"),
            Self::Unsendable => f.write_str(
                "expected tokens of visible ASCII characters, without spaces, separated by commas",
            ),
        }
    }
}

impl Error for NoTokens {}

impl Tokens {
    /// Reads the tokens in the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, or there are no tokens in it.
    pub fn from_file(path: &Path) -> Result<Self, NoTokens> {
        fs::read_to_string(path)
            .map_err(NoTokens::Unreadable)?
            .parse()
    }

    /// Whether `presented` is one of the tokens. How long that takes tells its length at the most.
    #[must_use]
    pub fn accept(&self, presented: &[u8]) -> bool {
        let is_any = self
            .0
            .iter()
            .map(|token| token.as_bytes().ct_eq(presented))
            .fold(Choice::from(0), |any, this| any | this);
        is_any.into()
    }

    /// One of them, to present to others.
    #[must_use]
    pub(crate) fn first(&self) -> &str {
        &self.0[0]
    }

    /// Whether one of them stands somewhere in `text`.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|token| text.contains(token))
    }
}

impl FromStr for Tokens {
    type Err = NoTokens;

    /// Reads tokens separated by commas or line ends.
    fn from_str(text: &str) -> Result<Self, NoTokens> {
        let tokens: Vec<String> = text
            .split([',', '\n'])
            .map(str::trim_ascii)
            .filter(|token| !token.is_empty())
            .map(str::to_owned)
            .collect();
        if tokens.is_empty() {
            return Err(NoTokens::Empty);
        }
        let is_sendable = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
        if !tokens.iter().all(is_sendable) {
            return Err(NoTokens::Unsendable);
        }
        Ok(Self(tokens))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({} not shown)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_tokens_is_accepted_and_nothing_else_is() {
        let tokens: Tokens = " old-token,new-token \n,third\r\n".parse().unwrap();
        for token in ["old-token", "new-token", "third"] {
            assert!(tokens.accept(token.as_bytes()), "{token}");
        }
        for other in ["", "old", "old-tokeN", "old-token,new-token", "new-token "] {
            assert!(!tokens.accept(other.as_bytes()), "{other}");
        }
        assert!(tokens.are_in("/somewhere/third/here") && !tokens.are_in("/somewhere"));
    }

    #[test]
    fn what_holds_no_token_is_refused_without_being_shown() {
        for nothing in ["", " ", ",", "\n,\r\n"] {
            assert!(matches!(nothing.parse::<Tokens>(), Err(NoTokens::Empty)));
        }
        for secret in ["two words", "schlüssel", "tab\there"] {
            let error = secret.parse::<Tokens>().unwrap_err();
            assert!(matches!(error, NoTokens::Unsendable));
            assert!(!format!("{error} {error:?}").contains(secret));
        }
    }

    #[test]
    fn debug_output_does_not_show_them() {
        let tokens: Tokens = "a-secret,another".parse().unwrap();
        assert_eq!(format!("{tokens:?}"), "Tokens(2 not shown)");
    }
}
