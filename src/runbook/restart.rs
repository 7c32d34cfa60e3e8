//! What an agent's way back is measured by: conditions, watch, who may accept (RST.1, RST.3).

use serde::{Deserialize, Serialize};

use super::{Runbook, RunbookError, nearest, read::wrong};
use crate::terms::words;

words! {
    /// The recorded fact that meets a condition by itself.
    KnownBy, "a known fact" {
        /// The incident is contained, and containment did not break.
        Contained = "contained",
        /// The register holds rows, and nothing unknown.
        Register = "register",
        /// Every checklist is verified, and there is one.
        Rollback = "rollback",
        /// Evidence is frozen.
        Evidence = "evidence",
        /// Somebody is the severity owner.
        Owner = "owner",
        /// A root cause is recorded.
        Cause = "cause",
        /// A correction is recorded.
        Correction = "correction",
        /// A correction names its shadow tasks and its checks.
        Tests = "tests",
        /// The severity owner approved, and a second person where the severity asks for two.
        Approval = "approval",
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartPlan {
    /// The conditions in order.
    #[serde(rename = "condition")]
    pub conditions: Vec<ConditionPlan>,
    /// What is watched after each stage.
    pub watch: WatchPlan,
    /// Who may accept a condition as it is.
    pub accept: Accept,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionPlan {
    /// `contained`.
    pub id: String,
    /// In words.
    pub title: String,
    /// What meets it by itself; a person's word where absent.
    #[serde(default)]
    pub known: Option<KnownBy>,
    /// Needed even for reading.
    #[serde(default)]
    pub light: bool,
    /// What to do about it.
    #[serde(rename = "do")]
    pub advice: String,
}

/// How long a stage is watched (RST.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchPlan {
    /// Hours.
    pub hours: u32,
    /// Runs of the agent, at least.
    pub runs: u32,
}

/// Roles that may accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// By name.
    pub roles: Vec<String>,
}

impl RestartPlan {
    /// A condition by id.
    pub fn condition(&self, id: &str) -> Option<&ConditionPlan> {
        self.conditions.iter().find(|condition| condition.id.eq_ignore_ascii_case(id.trim()))
    }

    /// Whether what it names is there.
    pub(super) fn check(&self, runbook: &Runbook) -> Result<(), RunbookError> {
        let says = |what: String| Err(wrong("restart.toml", None, what));
        for (at, condition) in self.conditions.iter().enumerate() {
            if self.conditions[..at].iter().any(|before| before.id == condition.id) {
                return says(format!("condition {:?} stands there twice", condition.id));
            }
        }
        if !self.conditions.iter().any(|condition| condition.known == Some(KnownBy::Approval)) {
            return says("no condition is known by `approval`: a restart is a person's word (RST.1)".into());
        }
        if self.watch.hours == 0 {
            return says("watch.hours is 0: a stage is watched before the next one".into());
        }
        match self.accept.roles.iter().find(|role| !runbook.roles.contains(role)) {
            None => Ok(()),
            Some(role) => {
                let hint = nearest(role, runbook.roles.iter().map(String::as_str));
                let hint = hint.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
                says(format!("accept.roles: {role:?} is no role{hint}"))
            }
        }
    }
}
