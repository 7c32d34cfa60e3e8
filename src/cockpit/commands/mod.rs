//! Commands: what a person can do here, what it is called, and why it cannot be done now.

mod available;
mod kind;
mod table;

pub use available::{allowed, why_not};
pub use kind::{Command, Danger, Do, Need, Scope, command, of_scope};
pub use table::TABLE;

#[cfg(test)]
mod tests;
