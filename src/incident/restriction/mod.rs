//! Incidents that only named people see: who, since when, and who let themselves in (TEAM.9).

mod ask;
mod state;

pub use ask::{EnterRestricted, LiftRestriction, Restrict, Restricted};
pub use state::Restriction;
