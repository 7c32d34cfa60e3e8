//! What the fold keeps of the way back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::AddCorrection;
use crate::{
    incident::containment::Stage,
    terms::{AgentId, Author, SwitchId, Time},
};

/// A condition that a person accepted as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which.
    pub condition: String,
    /// Why.
    pub why: String,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// A person's word for the restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// As the second person, not as the severity owner.
    #[serde(default)]
    pub second: bool,
    /// Why.
    pub why: String,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// What was corrected, and how that was tried (RST.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// As it was recorded.
    #[serde(flatten)]
    pub said: AddCorrection,
    /// Who.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// The fact that something was released over open conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartOverridden {
    /// From which switch.
    pub switch: SwitchId,
    /// To what: a stage, or everything.
    pub to: String,
    /// Conditions that were open.
    pub open: Vec<String>,
    /// Why.
    pub why: String,
}

/// The fact that an agent of the incident went on in a stage, or fell back to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEntered {
    /// Who.
    pub agent: AgentId,
    /// Where.
    pub stage: Stage,
}

/// The same as the fold keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// As it was recorded.
    #[serde(flatten)]
    pub said: RestartOverridden,
    /// Who: the severity owner.
    pub by: Author,
    /// When.
    pub at: Time,
}

/// The restart gate of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Conditions accepted as they are.
    pub accepted: Vec<Accepted>,
    /// Approvals that stand: containment that breaks takes them back.
    pub approvals: Vec<Approval>,
    /// Corrections, oldest first.
    pub corrections: Vec<Correction>,
    /// Releases over open conditions.
    pub overridden: Vec<Overridden>,
    /// The stage each of its agents came to.
    pub stages: BTreeMap<AgentId, Stage>,
    /// When an agent of it first went on, in whatever stage.
    pub restarted_at: Option<Time>,
    /// When the last of its agents came to full autonomy.
    pub full_at: Option<Time>,
}
