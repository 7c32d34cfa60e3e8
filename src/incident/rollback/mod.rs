//! What a rollback holds beside its steps: who works it, undo windows, sign-offs, values before and after, outputs of
//! commands, the watch that follows (RBK.1, RBK.7–RBK.9); and what is ready for an undo before any incident (RBK.10).

mod reach;
mod ready;
mod rules;
mod work;

pub use reach::{Reached, Reaching, Reader, Reading, Recipient};
pub use ready::{Drift, Missing, Readiness, drift, readiness};
pub use rules::{command_of, open_signs, open_windows, watch_until};
pub use work::{
    PlannedSign, PlannedWindow, RollbackPlan, Said, Signed, StepRun, Substitute, Value, Window, Work, WorkRollback,
};
