//! The panes: one file each, all pure functions of the model.

mod checklist;
mod containment;
mod draft;
mod evidence;
mod holds;
mod pane;
mod timeline;
mod tripwires;
mod welcome;

pub use containment::proof_words;
pub use holds::{account as hold_account, waiting};
pub use pane::{draw, fixed_rows, row_height};
pub use timeline::{rank, strip};
