//! The allocator of the program: what it holds beside what is in use.

#[cfg_attr(feature = "jemalloc", path = "jemalloc.rs")]
#[cfg_attr(not(feature = "jemalloc"), path = "system.rs")]
mod allocator;

pub use allocator::{Allocator, return_free_pages, set_up, share_arena, unused};

/// Memory that is not in use but cannot be used by others. Nothing if the allocator does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unused {
    /// Bytes between allocations, in pages that these use in part.
    pub gaps: usize,
    /// Bytes of free pages that were not returned to the system.
    pub free_pages: usize,
}

/// Bytes that an allocation takes of jemalloc: there are four sizes between a power of two and the next. What other
/// allocators take is about the same.
#[must_use]
pub const fn size_class(bytes: usize) -> usize {
    const SMALLEST_STEP: usize = 16;
    let step = bytes.next_power_of_two() / 8;
    bytes.next_multiple_of(if step > SMALLEST_STEP {
        step
    } else {
        SMALLEST_STEP
    })
}

/// Bytes that a value of so many bytes takes in an `Arc`, beside which are two counts.
#[must_use]
pub const fn shared_bytes(bytes: usize) -> usize {
    const COUNTS: usize = 2 * size_of::<usize>();
    size_class(COUNTS + bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_takes_up_to_a_fifth_more_than_was_asked_for() {
        for (bytes, taken) in [
            (1, 16),
            (100, 112),
            (128, 128),
            (129, 160),
            (4096, 4096),
            (4097, 5120),
            (1_000_000, 1_048_576),
        ] {
            assert_eq!(size_class(bytes), taken);
        }
    }
}
