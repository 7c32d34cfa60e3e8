//! The panes: one file each, all pure functions of the model.

mod checklist;
mod containment;
mod draft;
mod evidence;
mod pane;
mod timeline;
mod tripwires;
mod welcome;

pub use containment::proof_words;
pub use pane::{draw, fixed_rows, row_height};
pub use timeline::{rank, strip};
