//! How often a team drills, and what is next (DRL.4).

use serde::{Deserialize, Serialize};

use super::{RunbookError, read::wrong};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillPlan {
    /// Days from one drill to the next.
    pub every_days: u32,
    /// Days before it in which it is told.
    pub warn_days: u32,
    /// Days after which a proof that a switch reaches an agent is too old.
    pub proof_days: u32,
    /// Recordings in order, by name; empty is every shipped one.
    #[serde(default)]
    pub rolling: Vec<String>,
}

impl DrillPlan {
    pub(super) fn whole(self, file: &str) -> Result<Self, RunbookError> {
        let days = [("every_days", self.every_days), ("proof_days", self.proof_days)];
        if let Some((name, days)) = days.into_iter().find(|(_, days)| !(1..=366).contains(days)) {
            return Err(wrong(file, None, format!("{name}: 1 to 366 days, not {days}")));
        }
        if self.warn_days >= self.every_days {
            return Err(wrong(file, None, "warn_days: fewer than every_days, or it is told all the time".into()));
        }
        Ok(self)
    }
}
