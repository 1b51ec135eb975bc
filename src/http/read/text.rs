//! The JSON of a run, piece by piece.
//!
//! A client may stop reading in the middle of a run of many MB. What it has not received yet is in the outputs, which
//! the store has anyway. So the text keeps them, and they count towards a budget only for the case that the store drops
//! or replaces them meanwhile. If the budget revokes them ([`limits::memory`](crate::http::limits::memory)), the text
//! goes on with what the store has, as long as these outputs are there. So to be revoked costs a client nothing,
//! unless it is slow and its run changes or is dropped, or is only in the database.

use std::mem;

use super::view::{RunView, json_bytes};
use crate::{
    http::{
        json::{split_at_items, write_json},
        limits::{
            frames::FRAME_BYTES,
            memory::{Held, MemoryBudget, UNMETERED},
            pieces::{Gone, Pieces},
        },
    },
    run::{Outputs, Run, WeakOutputs},
};

/// What a client receives of a run, or an event.
#[derive(Debug)]
pub(super) enum Text {
    /// A small one, as a whole.
    Whole(Vec<u8>),
    Long(Box<LongRun>),
}

/// A text that shows a run of many outputs, or of large ones.
#[derive(Debug)]
pub(super) struct LongRun {
    /// What comes before the outputs, and after them.
    around: [Vec<u8>; 2],
    held: Held<Outputs>,
    kept: WeakOutputs,
    /// Their places in the list, in the order in which they are shown.
    shown: Vec<u16>,
    lines: Lines,
    /// How many parts are written: the head, each output, and the tail.
    part: usize,
    /// Bytes that are written of the next part.
    written: usize,
    left: usize,
}

/// What becomes of line breaks inside outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    AsTheyAre,
    /// A space for each, which means the same: in an event, each would begin another `data:` line.
    One,
}

impl Text {
    /// `run` as JSON, after the first and before the second of these texts.
    pub(super) fn of_run(
        run: &Run,
        [mut begin, end]: [Vec<u8>; 2],
        lines: Lines,
        budget: &MemoryBudget<Outputs>,
    ) -> Self {
        if write_if_small(&mut begin, run, lines) {
            begin.extend(end);
            return Self::Whole(begin);
        }
        Self::Long(Box::new(LongRun::new(run, [begin, end], lines, budget)))
    }
}

impl Pieces for Text {
    fn write(&mut self, text: &mut Vec<u8>) -> Result<bool, Gone> {
        match self {
            Self::Whole(whole) if text.is_empty() => *text = mem::take(whole),
            Self::Whole(whole) => text.append(whole),
            Self::Long(run) => return run.write(text),
        }
        Ok(false)
    }

    fn left(&self) -> Option<usize> {
        Some(match self {
            Self::Whole(whole) => whole.len(),
            Self::Long(run) => run.left,
        })
    }
}

impl LongRun {
    /// `run` as JSON, after the first and before the second of these texts.
    pub(super) fn new(
        run: &Run,
        [mut begin, end]: [Vec<u8>; 2],
        lines: Lines,
        budget: &MemoryBudget<Outputs>,
    ) -> Self {
        let (before, mut after) = split_at_items(&RunView::without_outputs(run), "outputs");
        begin.extend(before);
        after.extend(end);
        let outputs = run.outputs();
        let mut held = budget.hold(outputs.clone());
        // It always fits: more than the whole budget counts as the whole budget.
        let _ = held.grow_to(outputs.heap_bytes());
        Self {
            left: begin.len() + outputs.items_bytes() + after.len(),
            around: [begin, after],
            held,
            kept: outputs.downgrade(),
            shown: outputs.shown(),
            lines,
            part: 0,
            written: 0,
        }
    }

    /// The same as [`Pieces::write`].
    pub(super) fn write(&mut self, text: &mut Vec<u8>) -> Result<bool, Gone> {
        let count = self.shown.len();
        let outputs = if self.part <= count {
            self.outputs()?
        } else {
            Outputs::new()
        };
        text.reserve(self.left.min(FRAME_BYTES));
        while self.left > 0 && text.len() < FRAME_BYTES {
            let room = FRAME_BYTES - text.len();
            let is_output = (1..=count).contains(&self.part);
            let part = match self.part {
                0 => &self.around[0],
                nth if is_output => outputs.json(self.shown[nth - 1]).as_bytes(),
                _ => &self.around[1],
            };
            if is_output && self.part > 1 && self.written == 0 {
                text.push(b',');
                self.left -= 1;
            }
            let rest = &part[self.written..];
            let begin = text.len();
            text.extend_from_slice(&rest[..rest.len().min(room)]);
            let added = text.len() - begin;
            if is_output {
                join_lines(&mut text[begin..], self.lines);
            }
            self.left -= added;
            self.written += added;
            if added == rest.len() {
                (self.part, self.written) = (self.part + 1, 0);
            }
        }
        Ok(self.left > 0)
    }

    fn outputs(&self) -> Result<Outputs, Gone> {
        let held = self.held.with(|outputs| outputs.clone());
        held.or_else(|| self.kept.upgrade()).ok_or(Gone)
    }
}

/// Appends `run` as JSON, if it is small enough not to be sent in pieces. Returns whether it is.
pub(super) fn write_if_small(text: &mut Vec<u8>, run: &Run, lines: Lines) -> bool {
    let most = json_bytes(run);
    let is_small = most <= UNMETERED;
    if is_small {
        let begin = text.len();
        text.reserve(most);
        write_json(text, &RunView::from(run));
        join_lines(&mut text[begin..], lines);
    }
    is_small
}

fn join_lines(json: &mut [u8], lines: Lines) {
    if lines == Lines::One {
        for byte in json {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        http::{
            json::to_json,
            limits::{memory::MemoryBudgets, pieces::next_piece},
        },
        metrics::Metrics,
        testing::{at, proptest_config, run_id, update},
    };

    const MIB: usize = 1024 * 1024;

    fn budget(bytes: usize) -> MemoryBudget<Outputs> {
        MemoryBudgets::new(bytes, bytes, &Metrics::new()).responses
    }

    /// A run with an output of each of these sizes.
    fn run(sizes: &[usize]) -> Run {
        let output = |(id, &size)| format!("{{\"id\":{id},{}\"x\":1}}", "\n".repeat(size));
        let outputs: Vec<_> = sizes.iter().enumerate().map(output).collect();
        let body = format!(
            r#"{{"status":"running","outputs":[{}]}}"#,
            outputs.join(",")
        );
        let mut run = Run::new(run_id(1), at(0));
        run.merge(&update(&body), at(0), usize::MAX);
        run
    }

    fn text(run: &Run, budget: &MemoryBudget<Outputs>) -> Text {
        Text::of_run(run, Default::default(), Lines::AsTheyAre, budget)
    }

    /// All that is left, if it is complete.
    fn rest(mut text: Text) -> Result<Vec<u8>, Gone> {
        let mut whole = Vec::new();
        loop {
            let (piece, is_more): (Bytes, bool) = next_piece(&mut text)?;
            assert!(piece.len() <= FRAME_BYTES + 1, "{}", piece.len());
            whole.extend_from_slice(&piece);
            if !is_more {
                assert_eq!(text.left(), Some(0));
                return Ok(whole);
            }
        }
    }

    proptest! {
        #![proptest_config(proptest_config())]
        #[test]
        fn the_pieces_of_a_run_are_its_json(sizes in prop::collection::vec(0..10_000_usize, 0..8)) {
            let run = run(&sizes);
            let budget = budget(MIB);
            let json = to_json(&RunView::from(&run));
            let whole = text(&run, &budget);
            prop_assert_eq!(whole.left(), Some(json.len()));
            prop_assert_eq!(&rest(whole).unwrap(), &json);
            let around = [b"data: ".to_vec(), b"\n\n".to_vec()];
            let line = rest(Text::of_run(&run, around, Lines::One, &budget)).unwrap();
            let expected = String::from_utf8(json).unwrap().replace('\n', " ");
            prop_assert_eq!(String::from_utf8(line).unwrap(), format!("data: {expected}\n\n"));
            prop_assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn what_was_revoked_goes_on_while_the_run_stays_as_it_is() {
        let budget = budget(MIB);
        let mut run = run(&[500_000]);
        let json = to_json(&RunView::from(&run));
        let [mut unchanged, mut changed] = [(); 2].map(|()| text(&run, &budget));
        for begun in [&mut unchanged, &mut changed] {
            next_piece(begun).unwrap();
        }
        let newer = [text(&run, &budget), text(&run, &budget)];
        run.merge(&update(r#"{"status":"success"}"#), at(1), usize::MAX);
        assert_eq!(rest(unchanged).unwrap(), json[FRAME_BYTES..]);
        drop(newer);
        run.merge(&update(r#"{"outputs":[{"id":"new"}]}"#), at(2), usize::MAX);
        assert_eq!(rest(changed), Err(Gone));
    }

    #[test]
    fn what_was_not_revoked_is_sent_as_it_was() {
        let budget = budget(MIB);
        let mut run = run(&[100_000]);
        let json = to_json(&RunView::from(&run));
        let begun = text(&run, &budget);
        run.merge(&update(r#"{"outputs":[{"id":"new"}]}"#), at(2), usize::MAX);
        assert_eq!(rest(begun).unwrap(), json);
    }
}
