//! The cockpit without a terminal: keys in, effects and screens out.

mod acting;
mod board;
mod directing;
mod drafting;
mod screens;
mod syncing;

pub(super) use acting::press;
