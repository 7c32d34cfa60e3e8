//! The cockpit: the full-screen terminal from which an incident is seen and steered (CKP.1–CKP.4).
//!
//! Flow: input, sync and answers become a [`message::Message`]; `update` changes the [`model::Model`] and returns
//! effects; `effect` is the only place that starts work; `draw` is a pure function of the model. Nothing here speaks
//! HTTP or SQL: the backend is a [`link::Backend`].

mod clocks;
pub mod commands;
mod console;
mod draft_view;
mod draw;
mod editor;
pub mod effect;
mod external_editor;
pub mod form;
pub mod frame;
mod header;
mod hints;
mod input;
pub mod keymap;
pub mod layout;
pub mod link;
pub mod message;
pub mod model;
mod options;
mod overlays;
mod panes;
mod rows;
mod run;
mod scope_choice;
mod sync;
pub mod terminal;
mod text;
pub mod theme;
mod typing;
pub mod update;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use draw::draw;
pub use model::Pane;
pub use options::{CockpitConfig, CockpitError, CockpitOptions, Notify};
pub use run::run;
