//! The outputs of a run as a sorted list, and what is left out of it for lack of room.

use std::mem;

use serde_json::value::RawValue;

use super::{Output, Outputs};

/// Outputs, sorted by identity. If there are too many, those that sort first are kept: so the result does not depend on
/// the order in which they arrive.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OutputList {
    pub(super) outputs: Vec<Output>,
    /// Bytes of their JSON.
    pub(super) bytes: usize,
    /// Bytes of memory they take.
    pub(super) memory: usize,
    /// Whether an output was left out.
    pub(super) is_incomplete: bool,
    /// Outputs from this identity on are left out, since there was no room for one of them.
    pub(super) end: Option<Box<[u8]>>,
}

impl OutputList {
    /// Bytes of the end that are kept: an identity can be as long as an output.
    const END: usize = 64;

    /// The list that once held these outputs, in any order, each once.
    pub(super) fn restore(
        mut outputs: Vec<Output>,
        is_incomplete: bool,
        end: Option<Box<[u8]>>,
    ) -> Self {
        outputs.sort_unstable_by(|a, b| a.identity().cmp(b.identity()));
        Self {
            bytes: outputs.iter().map(|output| output.json().len()).sum(),
            memory: outputs.iter().map(Output::memory).sum(),
            outputs,
            is_incomplete,
            end,
        }
    }

    /// Keeps this version of an output if it is greater, and in any case how large it is.
    pub(super) fn replace(&mut self, index: usize, output: &Output<&RawValue>, is_greater: bool) {
        let kept = &mut self.outputs[index];
        let largest = kept.largest.max(output.largest);
        self.bytes -= kept.json().len();
        self.memory -= kept.memory();
        if is_greater {
            *kept = output.clone().into_kept();
        }
        kept.largest = largest;
        self.bytes += kept.json().len();
        self.memory += kept.memory();
    }

    /// Inserts each output before the known one at its index. All at once, so that each known output is
    /// moved only once.
    pub(super) fn insert(&mut self, new: Vec<(usize, Output)>) {
        let mut outputs = Vec::with_capacity(self.outputs.len() + new.len());
        let mut known = mem::take(&mut self.outputs).into_iter();
        for (inserted, (index, output)) in new.into_iter().enumerate() {
            let moved = outputs.len() - inserted;
            outputs.extend(known.by_ref().take(index - moved));
            self.bytes += output.json().len();
            self.memory += output.memory();
            outputs.push(output);
        }
        outputs.extend(known);
        self.outputs = outputs;
    }

    /// Whether there is no room for all of them.
    pub(super) fn exceeds(&self, max_bytes: usize) -> bool {
        self.outputs.len() > Outputs::MAX || self.memory > max_bytes
    }

    /// Leaves out the outputs from the first for which there is no room. Returns how many.
    pub(super) fn shrink(&mut self, max_bytes: usize) -> usize {
        let mut bytes = 0;
        let has_no_room = |(index, output): &(usize, &Output)| {
            bytes += output.memory();
            *index == Outputs::MAX || bytes > max_bytes
        };
        let Some((_, first)) = self.outputs.iter().enumerate().find(has_no_room) else {
            return 0;
        };
        let identity = first.identity().as_bytes();
        let end = identity[..identity.len().min(Self::END)].to_owned();
        self.cut(&end)
    }

    /// Leaves out the outputs from `end` on. Returns how many.
    pub(super) fn cut(&mut self, end: &[u8]) -> usize {
        let kept = self
            .outputs
            .partition_point(|output| output.identity().as_bytes() < end);
        let left_out = self.outputs.split_off(kept);
        self.bytes -= left_out
            .iter()
            .map(|output| output.json().len())
            .sum::<usize>();
        self.memory -= left_out.iter().map(Output::memory).sum::<usize>();
        self.is_incomplete = true;
        self.end = Some(end.into());
        left_out.len()
    }
}
