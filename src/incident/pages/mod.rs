//! Pages: who was told of a firing, by which way, and whether it arrived (TEAM.3); tripwires that are muted (DET.7).

mod mute;
mod page;

pub use mute::{Mute, MuteTripwire, Muted, UnmuteTripwire, Unmuted};
pub use page::{PageSent, PageState};
