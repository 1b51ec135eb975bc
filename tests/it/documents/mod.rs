//! Whether the documents for users are right.

mod commands;
mod flags;
mod links;
