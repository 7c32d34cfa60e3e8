//! `update`: one message in, the model changed, effects out. It never waits.

mod act;
mod book;
mod cause;
mod deciding;
pub(super) mod direct;
mod drafts;
mod first;
mod kept;
mod keys;
mod opening;
mod reading;
mod rollback;
mod submit;
mod team;
mod turn;
mod undo;
mod when;

pub use turn::update;
