//! A draft being written: its fields, what the linter says of them as they are typed, and what others write in it meanwhile.

mod area;
mod hand;
mod together;

pub use hand::{DraftEditor, LONG};
