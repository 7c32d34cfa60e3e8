//! The first ten minutes: seven facts on a clock (TEN.1), what the incident weighs (SEV.5), and where it stands (TEN.2).

mod advice;
mod ask;
mod authority;
mod effects;
mod fact;
mod factors;
mod phase;
mod state;

pub use advice::{Advice, Example, From, Reason, advise};
pub use ask::{AnswerFact, WeighFactor};
pub use authority::{missing_roles, worst_level};
pub use effects::effects;
pub use fact::{Answered, Early, EarlyWork, Weighed};
pub use factors::{FactorAnswer, Factors};
pub use phase::{Phase, PhaseName, phase};
pub use state::{FactState, FirstFact, FirstMinutes, Known, Said};
