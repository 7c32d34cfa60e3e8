//! What a drill came to, read from the log: harm against the historical course, each step against its target, who took it
//! (DRL.3).

mod against;
mod incident;
mod people;
mod step;
#[cfg(test)]
mod tests;
mod total;

pub use against::{Milestone, Turn};
pub use people::{PersonScore, RoleScore};
pub use step::{ScoredStep, StepResult, TargetFrom};
pub use total::{Kept, Score, score};
