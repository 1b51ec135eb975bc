//! Whether the documents for users are right.

#[cfg(feature = "sqlite")]
mod commands;
mod flags;
mod links;
