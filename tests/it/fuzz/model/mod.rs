//! A model of the parser, the join and the store, and a check of the real ones against it: any bytes are
//! a list of bodies to parse, merge and store. Used by the tests, and by `tests/fuzz`, a package of its
//! own.

mod merging;
mod readable;
mod reference;
mod signing;
mod storing;

use comfydeploy_webhook::run::{ParseError, RunId, Timestamp, Update};

use self::reference::ReferenceUpdate;

/// Separates two bodies. No JSON contains this byte, and JSON text sequences (RFC 7464) use it too.
pub(crate) const SEPARATOR: char = '\u{1e}';

/// An update that was accepted.
struct Received<'a> {
    expected: ReferenceUpdate<'a>,
    update: Update<'a>,
    at: Timestamp,
}

/// Parses a body with the parser and with the reference, which have to agree.
fn receive(body: &[u8]) -> Option<Received<'_>> {
    match (Update::parse(body), ReferenceUpdate::read(body)) {
        (Ok(update), Ok(expected)) => {
            expected.assert_agrees(&update);
            // The input decides whether the clock stands still, jumps or goes back.
            let at = Timestamp::from_millis(i64::try_from(body.len()).unwrap()).unwrap();
            Some(Received {
                expected,
                update,
                at,
            })
        }
        (Err(error), Err(expected)) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(without_reason(error), expected);
            None
        }
        (parsed, read) => panic!("{parsed:?}, but the reference reads {read:?}"),
    }
}

fn without_reason(error: ParseError) -> ParseError {
    let reason = String::new();
    match error {
        ParseError::NotJson { .. } => ParseError::NotJson { reason },
        ParseError::NotAnObject { .. } => ParseError::NotAnObject { reason },
        ParseError::WrongField { pointer, .. } => ParseError::WrongField { pointer, reason },
        other => other,
    }
}

fn run_id(n: usize) -> RunId {
    format!("7c9e6679-7425-40de-944b-{n:012}").parse().unwrap()
}

/// Panics if anything disagrees with the model. Returns how many bodies were accepted.
pub(crate) fn check(input: &[u8]) -> usize {
    let bodies = input.split(|byte| char::from(*byte) == SEPARATOR);
    let updates: Vec<_> = bodies.filter_map(receive).collect();
    if !updates.is_empty() {
        for max_output_bytes in [usize::MAX, 500] {
            merging::check(&updates, max_output_bytes);
        }
    }
    storing::check(&updates);
    updates.len()
}
