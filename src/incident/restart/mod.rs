//! The way back: nine conditions, approvals, corrections, and what they allow (RST).

mod ask;
mod gate;
mod state;

pub use ask::{AcceptCondition, AddCorrection, ApproveRestart, What};
pub use gate::{Condition, ConditionState, conditions, persons_needed, second, severity_owner_approval};
pub use state::{Accepted, Approval, Correction, Gate, Overridden, RestartOverridden, StageEntered};
