//! What is asked, recorded and kept of the decision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::{Author, Time, words};

words! {
    /// What is done about what is broken, once it is contained (DEC.1).
    Choice, "a choice" {
        /// Back to the previous version.
        Rollback = "rollback",
        /// Less autonomy, fewer tools, tighter approvals.
        Restriction = "restriction",
        /// First the one, then the other.
        RestrictionThenRollback = "restriction-then-rollback",
        /// Another lane takes the work.
        Fallback = "fallback",
        /// Nothing more than watching.
        Monitoring = "monitoring",
    }
}

/// Answers a criterion, or takes the answer back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeCriterion {
    /// Which of the runbook's.
    pub criterion: String,
    /// Yes or no; absent takes the answer back.
    #[serde(default)]
    pub answer: Option<bool>,
    /// What shows it.
    #[serde(default)]
    pub why: Option<String>,
}

/// Chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseMove {
    /// What.
    pub choice: Choice,
    /// Why; needed where the criteria point elsewhere.
    #[serde(default)]
    pub why: Option<String>,
}

/// A criterion was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub criterion: String,
    /// Yes or no; absent took the answer back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<bool>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// It was chosen, by these criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveChosen {
    /// What.
    pub choice: Choice,
    /// What the criteria pointed to then.
    pub advised: Choice,
    /// The criteria that held then, by id.
    pub because: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A criterion's answer as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Yes or no.
    pub answer: bool,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// One choice that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// As it was chosen.
    #[serde(flatten)]
    pub chosen: MoveChosen,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// What the fold keeps of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// Criteria that a person answered, by id.
    pub answers: BTreeMap<String, Judgement>,
    /// Every choice, oldest first; the last one stands.
    pub made: Vec<Made>,
}

impl Decision {
    /// What stands.
    pub fn stands(&self) -> Option<&Made> {
        self.made.last()
    }
}
