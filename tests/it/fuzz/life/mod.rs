//! Bytes as the life of a run: bodies that are parsed, merged and kept by the rules, or it panics.
//! Used twice: by the tests, and by `tests/fuzz`, which is a package of its own.

mod merging;
mod reading;
mod storing;

use comfydeploy_webhook::run::{ParseError, RunId, Timestamp, Update};

use self::reading::Said;

/// Between two bodies. JSON holds no such byte, and sequences of JSON (RFC 7464) use it too.
pub(crate) const SEPARATOR: char = '\u{1e}';

/// An update that was accepted.
struct Arrival<'a> {
    said: Said<'a>,
    update: Update<'a>,
    at: Timestamp,
}

/// Reads a body twice, with the parser and with the reference, which have to agree.
fn arrival(body: &[u8]) -> Option<Arrival<'_>> {
    match (Update::parse(body), Said::read(body)) {
        (Ok(update), Ok(said)) => {
            said.assert_agrees(&update);
            // A clock that stands still, leaps and goes back, as the input has it.
            let at = Timestamp::from_millis(i64::try_from(body.len()).unwrap()).unwrap();
            Some(Arrival { said, update, at })
        }
        (Err(error), Err(expected)) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(without_reason(error), expected);
            None
        }
        (parsed, read) => panic!("{parsed:?}, but the reference says {read:?}"),
    }
}

fn without_reason(error: ParseError) -> ParseError {
    let reason = String::new();
    match error {
        ParseError::NotJson { .. } => ParseError::NotJson { reason },
        ParseError::NotAnUpdate { pointer, .. } => ParseError::NotAnUpdate { pointer, reason },
        other => other,
    }
}

fn run_id(n: usize) -> RunId {
    format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap()
}

/// Gives how many updates of it were accepted.
pub(crate) fn live(life: &[u8]) -> usize {
    let bodies = life.split(|byte| char::from(*byte) == SEPARATOR);
    let arrivals: Vec<_> = bodies.filter_map(arrival).collect();
    if !arrivals.is_empty() {
        merging::check(&arrivals);
    }
    storing::check(&arrivals);
    arrivals.len()
}
