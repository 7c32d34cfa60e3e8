//! Tripwires: baselines, windows, rules and the engine that judges actions (DET.1–DET.10, protocol 2).
//!
//! Pure and replayable: the same actions in the same order give the same firings, live or from a file.

mod agent;
mod approvals;
#[cfg(test)]
mod approvals_tests;
mod asked;
mod authorisation;
mod backtest;
mod baseline;
mod before;
#[cfg(test)]
mod before_tests;
mod delta;
mod endpoints;
mod engine;
#[cfg(test)]
mod engine_tests;
mod firing;
mod held;
#[cfg(test)]
mod naive_tests;
mod outcome;
mod own;
mod rate;
mod recall;
mod ring;
mod rules;
#[cfg(test)]
mod rules_tests;
mod snapshot;

pub use approvals::{Approvals, Wrong};
pub use asked::{LastMet, Tally};
pub use backtest::{Backtest, FiringLine, backtest};
pub use before::{AskedCall, Before, Objection};
pub use delta::{Bearing, Change, DeltaRow, SetTally, TripwireDelta};
pub use engine::{AgentFigures, Engine};
pub use firing::{Firing, FiringChange, FiringKey, FiringState, Paged, Tripwire};
pub use recall::Recall;
pub use snapshot::SnapshotError;
