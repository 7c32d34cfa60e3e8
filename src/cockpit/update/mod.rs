//! `update`: one message in, the model changed, effects out. It never waits.

mod act;
mod deciding;
mod drafts;
mod keys;
mod opening;
mod submit;
mod turn;
mod undo;
mod when;

pub use turn::update;
