//! The panes: one file each, all pure functions of the model.

mod checklist;
mod console;
mod containment;
mod draft;
mod draft_write;
mod evidence;
mod holds;
mod investigation;
mod ledger;
mod pane;
mod people;
mod restart;
mod timeline;
mod tripwires;
mod welcome;

pub use console::draw as draw_console;
pub use containment::proof_words;
pub use holds::{account as hold_account, waiting};
pub use pane::{draw, fixed_rows, row_height};
pub use people::calling;
pub use timeline::{rank, strip};
