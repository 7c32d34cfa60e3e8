//! Plays recordings into drills' worlds (DRL.1, law 8): each world's own intake and interlock, never the real ones.

mod ear;
mod pager;
mod player;
mod playing;
mod start;

pub use playing::Playing;
pub use start::{outline, recordings, start};
