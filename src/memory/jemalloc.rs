//! jemalloc. It keeps allocations of about one size together, returns memory that is free to the system, and says how
//! much of it lies in the gaps between allocations.

use tikv_jemalloc_ctl::{Access as _, AsName as _, Error, epoch, stats};
/// What the program allocates with.
pub use tikv_jemallocator::Jemalloc as Allocator;

use super::Unused;

/// The time within which the allocator returns free pages to the system. By default it keeps them for ten seconds.
const DECAY_MS: isize = 500;

/// The arena of all threads.
const DECAY: &str = "arena.0.dirty_decay_ms\0";

/// Sets up the allocator for its only arena.
///
/// # Errors
/// When the allocator does not know its own settings.
pub fn set_up() -> Result<(), String> {
    set_decay(DECAY_MS).map_err(|error| error.to_string())
}

/// Lets this thread allocate where the main thread does, if that is possible. By default each has an arena of its own,
/// whose gaps no other thread fills.
pub fn share_arena() {
    let _ = "thread.arena\0".name().write(0_u32);
}

/// Measures what is not in use at this moment. Nothing if the allocator does not know its own figures.
#[must_use]
pub fn unused() -> Unused {
    measured().unwrap_or_default()
}

/// Returns all free pages to the system, if that is possible.
pub fn return_free_pages() {
    let _ = set_decay(0);
    let _ = set_decay(DECAY_MS);
}

fn set_decay(milliseconds: isize) -> Result<(), Error> {
    DECAY.name().write(milliseconds)
}

fn measured() -> Result<Unused, Error> {
    // The figures are as of this moment.
    epoch::advance()?;
    let active = stats::active::read()?;
    let used = active + stats::metadata::read()?;
    Ok(Unused {
        gaps: active.saturating_sub(stats::allocated::read()?),
        free_pages: stats::resident::read()?.saturating_sub(used),
    })
}
