//! Roll back, restrict, fall back or go on watching: criteria, what they point to, and what a person chose (DEC.1).

mod advice;
mod model;

pub use advice::{Advice, Criterion, Means, Points, Reads, Weighed, advise};
pub use model::{Choice, ChooseMove, Decision, JudgeCriterion, Judged, Judgement, Made, MoveChosen};
