//! Tripwires: baselines, windows, rules and the engine that judges actions (DET.1–DET.10, protocol 2).
//!
//! Pure and replayable: the same actions in the same order give the same firings, live or from a file.

mod firing;

pub use firing::{Firing, FiringChange, FiringKey, FiringState, Paged, Tripwire};
