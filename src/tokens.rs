//! The tokens that authorize a request.

use std::{error::Error, fmt, str::FromStr};

use subtle::{Choice, ConstantTimeEq};

/// One or more tokens, each of which authorizes a request. `Debug` does not show them.
#[derive(Clone)]
pub struct Tokens(Vec<String>);

/// Why tokens cannot be read. The error does not show the text they were read from.
#[derive(Debug)]
pub enum TokenError {
    /// The text contains no token.
    Empty,
    /// A token contains a character that a header cannot carry.
    InvalidCharacter,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no token in it"),
            Self::InvalidCharacter => f.write_str(
                "expected tokens of visible ASCII characters, without spaces, separated by commas",
            ),
        }
    }
}

impl Error for TokenError {}

impl Tokens {
    /// Whether `presented` is one of the tokens. The time this takes reveals at most its length.
    #[must_use]
    pub fn accept(&self, presented: &[u8]) -> bool {
        let is_any = self
            .0
            .iter()
            .map(|token| token.as_bytes().ct_eq(presented))
            .fold(Choice::from(0), |any, this| any | this);
        is_any.into()
    }

    /// The first token, to present to another service.
    #[must_use]
    pub(crate) fn first(&self) -> &str {
        &self.0[0]
    }

    /// Whether one of the tokens appears anywhere in `text`.
    #[must_use]
    pub fn appear_in(&self, text: &str) -> bool {
        self.0.iter().any(|token| text.contains(token))
    }
}

impl FromStr for Tokens {
    type Err = TokenError;

    /// Parses tokens separated by commas or line breaks.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let tokens: Vec<String> = text
            .split([',', '\n'])
            .map(str::trim_ascii)
            .filter(|token| !token.is_empty())
            .map(str::to_owned)
            .collect();
        if tokens.is_empty() {
            return Err(TokenError::Empty);
        }
        let is_valid = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
        if !tokens.iter().all(is_valid) {
            return Err(TokenError::InvalidCharacter);
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
        assert!(tokens.appear_in("/somewhere/third/here") && !tokens.appear_in("/somewhere"));
    }

    #[test]
    fn an_error_does_not_show_the_text() {
        for empty in ["", " ", ",", "\n,\r\n"] {
            assert!(matches!(empty.parse::<Tokens>(), Err(TokenError::Empty)));
        }
        for secret in ["two words", "schlüssel", "tab\there"] {
            let error = secret.parse::<Tokens>().unwrap_err();
            assert!(matches!(error, TokenError::InvalidCharacter));
            assert!(!format!("{error} {error:?}").contains(secret));
        }
    }

    #[test]
    fn debug_output_does_not_show_the_tokens() {
        let tokens: Tokens = "a-secret,another".parse().unwrap();
        assert_eq!(format!("{tokens:?}"), "Tokens(2 not shown)");
    }
}
