//! Drills: recordings of incidents, read and replayed (DRL.1).
//!
//! Pure: a recording is text, a replay is a list of offsets. Who feeds it to a world stands in `backend/drill.rs`.

mod conduct;
mod headless;
mod import;
mod index;
#[cfg(test)]
mod library_tests;
mod names;
mod outline;
mod pace;
mod parse;
mod record;
mod recording;
mod replay;
mod score;
mod shipped;
mod spread;
mod write;

pub use crate::incident::drilled::Harm;
pub use conduct::{Conduct, is_over_tool};
pub use headless::{Headless, HeadlessError, Staging, headless};
pub use import::{Foreign, ImportError};
pub use outline::{Outline, OutlineLine, Passage};
pub use pace::Pace;
pub use parse::{RecordingError, injected};
pub use recording::{Hint, Item, Mark, MarkKind, Moment, Recording, Target};
pub use replay::{Replay, SpeedError, Timed};
pub use score::{Kept, Milestone, PersonScore, RoleScore, Score, ScoredStep, StepResult, TargetFrom, Turn, score};
pub use shipped::{SHIPPED, shipped};
