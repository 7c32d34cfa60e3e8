//! The one writer: commands in, facts appended, the fold published (laws 1–3, 5).
//!
//! `handle` is what everybody holds; `writer` is the task behind it; `sealing` gives facts their place and hash;
//! `pulse` tells whether the log takes them.

mod handle;
mod pulse;
mod sealing;
mod writer;

#[cfg(test)]
mod tests;

pub use handle::{Core, Interlocks, Options};
pub use pulse::Pulse;
