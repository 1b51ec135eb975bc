//! The allocator of the system. It has no settings here, and does not say what lies unused in it.

/// What the program allocates with.
pub use std::alloc::System as Allocator;

use super::Unused;

/// Sets up nothing.
///
/// # Errors
/// Never.
pub const fn set_up() -> Result<(), String> {
    Ok(())
}

/// Leaves it to the system where this thread allocates.
pub const fn share_arena() {}

/// Measures nothing.
#[must_use]
pub fn unused() -> Unused {
    Unused::default()
}

/// Leaves it to the system when it gets free pages back.
pub const fn return_free_pages() {}
