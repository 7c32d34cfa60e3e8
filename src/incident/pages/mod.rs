//! Pages: who was told of a firing or an incident, by which way, and whether it arrived (TEAM.3); tripwires that are muted
//! (DET.7).

mod mute;
mod page;
mod round;
mod told;

pub use mute::{Mute, MuteTripwire, Muted, UnmuteTripwire, Unmuted};
pub use page::PageSent;
pub use round::{Occasion, PagesAcknowledged, Paging, PagingBegun, Round, RoundSent, StepSent, StepState};
pub use told::{FiringTold, RoundTold, StepTold, Told, Word};
