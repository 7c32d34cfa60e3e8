//! `update`: one message in, the model changed, effects out. It never waits.

mod act;
mod cause;
mod deciding;
mod drafts;
mod first;
mod keys;
mod opening;
mod rollback;
mod submit;
mod team;
mod turn;
mod undo;
mod when;

pub use turn::update;
