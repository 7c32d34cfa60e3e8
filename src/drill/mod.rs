//! Drills: recordings of incidents, read and replayed (DRL.1).
//!
//! Pure: a recording is text, a replay is a list of offsets. Who feeds it to a world stands in `backend/drill.rs`.

mod parse;
mod recording;
mod replay;
mod shipped;

pub use parse::RecordingError;
pub use recording::{Item, Mark, MarkKind, Moment, Recording};
pub use replay::{Replay, SpeedError, Timed};
pub use shipped::{SHIPPED, shipped};
