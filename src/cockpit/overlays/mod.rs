//! What lies over the panes: one file each.

pub mod contain;
pub mod fill;
pub mod help;
pub mod pick;
pub mod sheet;
pub mod trace;
mod window;

pub use help::HelpState;
pub use pick::{Choice, Item, Pick};
pub use sheet::{Sheet, SheetLine};
pub use trace::TraceView;
