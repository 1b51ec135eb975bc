//! The allocator of the program, jemalloc: what it holds beside what is in use.

use tikv_jemalloc_ctl::{Access as _, AsName as _, Result, epoch, stats};

/// The time within which the allocator returns free pages to the system. By default it keeps them for ten seconds.
const DECAY_MS: isize = 500;

/// The arena of all threads.
const DECAY: &str = "arena.0.dirty_decay_ms\0";

/// Sets up the allocator for its only arena.
///
/// # Errors
/// When the allocator does not know its own settings.
pub fn set_up() -> Result<()> {
    DECAY.name().write(DECAY_MS)
}

/// Lets this thread allocate where the main thread does. By default each has an arena of its own, whose gaps no other
/// thread fills.
///
/// # Errors
/// When the allocator does not know its own settings.
pub fn share_arena() -> Result<()> {
    "thread.arena\0".name().write(0_u32)
}

/// Memory that is not in use but cannot be used by others. Nothing in a program with another allocator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unused {
    /// Bytes between allocations, in pages that these use in part.
    pub gaps: usize,
    /// Bytes of free pages that were not returned to the system.
    pub free_pages: usize,
}

/// Measures what is not in use at this moment.
///
/// # Errors
/// When the allocator does not know its own figures.
pub fn unused() -> Result<Unused> {
    // The figures are as of this moment.
    epoch::advance()?;
    let active = stats::active::read()?;
    let used = active + stats::metadata::read()?;
    Ok(Unused {
        gaps: active.saturating_sub(stats::allocated::read()?),
        free_pages: stats::resident::read()?.saturating_sub(used),
    })
}

/// Returns all free pages to the system.
///
/// # Errors
/// When the allocator does not know its own settings.
pub fn return_free_pages() -> Result<()> {
    DECAY.name().write(0_isize)?;
    DECAY.name().write(DECAY_MS)
}

/// Bytes that an allocation takes: there are four sizes between a power of two and the next.
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
