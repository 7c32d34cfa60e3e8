//! What is asked of an investigation.

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::terms::Time;

/// Records a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddFinding {
    /// Which layer, or set of questions.
    pub layer: String,
    /// What was found; person-written.
    pub text: String,
    /// The question it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// It is the root cause, or one of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
    /// The point of failure; a root cause names one (INV.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<String>,
    /// What shows it: an evidence item, a run, an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Takes a finding back; it stays in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetractFinding {
    /// Its number.
    pub finding: u32,
    /// Why.
    pub why: String,
}

/// Says why a layer is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipLayer {
    /// Which.
    pub layer: String,
    /// Why.
    pub why: String,
}

/// Names something that changed shortly before (INV.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddChange {
    /// A kind of the runbook: release, prompt, model, …, nothing.
    pub kind: String,
    /// What changed; person-written.
    pub what: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// Says whether a change had to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeChange {
    /// Its number.
    pub change: u32,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
}

/// Records repeated runs as a rate (INV.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRerun {
    /// How many runs.
    pub runs: u32,
    /// In how many of them it happened again.
    pub failed: u32,
    /// Under which conditions.
    pub conditions: String,
}
