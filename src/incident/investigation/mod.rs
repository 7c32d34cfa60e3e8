//! Looking for the cause: findings by layer, what was skipped, what changed, repeated runs (INV).

mod ask;
mod state;

pub use ask::{AddChange, AddFinding, AddRerun, JudgeChange, RetractFinding, SkipLayer};
pub use state::{Change, Finding, FindingAdded, Investigation, NumberedChange, Rerun, Skipped, Verdict};
