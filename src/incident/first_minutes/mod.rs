//! The first ten minutes: seven facts on a clock (TEN.1), what the incident weighs (SEV.5), and where it stands (TEN.2).

mod ask;
mod effects;
mod fact;
mod factors;
mod state;

pub use ask::{AnswerFact, WeighFactor};
pub use effects::effects;
pub use fact::{Answered, Early, EarlyWork, Weighed};
pub use factors::{FactorAnswer, Factors};
pub use state::{FactState, FirstFact, FirstMinutes, Known, Said};
