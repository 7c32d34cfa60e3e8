//! Drills: recordings of incidents, read and replayed (DRL.1).
//!
//! Pure: a recording is text, a replay is a list of offsets. Who feeds it to a world stands in `backend/drill.rs`.

mod conduct;
mod harm;
mod import;
#[cfg(test)]
mod library_tests;
mod names;
mod parse;
mod record;
mod recording;
mod replay;
mod shipped;
mod spread;
mod write;

pub use conduct::Conduct;
pub use harm::Harm;
pub use import::{Foreign, ImportError};
pub use parse::RecordingError;
pub use recording::{Hint, Item, Mark, MarkKind, Moment, Recording, Target};
pub use replay::{Replay, SpeedError, Timed};
pub use shipped::{SHIPPED, shipped};
