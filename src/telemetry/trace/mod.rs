//! The trace: what was put in, every step, and what came of it, as a tree (EVI.6).
//!
//! Pure. The tree is kept flat, in the order it is read, so that a chain of a hundred thousand steps needs no stack.

mod lines;
mod step;
#[cfg(test)]
mod tests;
mod tree;

pub use lines::{Tone, TraceLine, lines};
pub use step::{Kind, Looked, Source, Step};
pub use tree::{Gathering, Mask, Row, Trace, trace};
