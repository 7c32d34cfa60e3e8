//! Communication: drafts filled from the incident, rendered from templates, checked for words that say nothing (COM).

mod fill;
mod lint;
mod render;

pub use fill::fill;
pub use lint::{Finding, lint};
pub use render::render;
