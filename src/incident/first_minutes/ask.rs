//! What can be asked of the first facts and of the severity's factors.

use serde::{Deserialize, Serialize};

use super::FirstFact;

/// Answers one of the seven facts (TEN.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFact {
    /// Which.
    pub fact: FirstFact,
    /// What is known; absent with `unknown`, or where `dispute` only doubts what stands.
    #[serde(default)]
    pub answer: Option<String>,
    /// Nobody knows: takes back what stands.
    #[serde(default)]
    pub unknown: bool,
    /// Why what stands is doubted.
    #[serde(default)]
    pub dispute: Option<String>,
    /// Why this answer ends a dispute.
    #[serde(default)]
    pub settle: Option<String>,
}

/// Answers one of the severity's factors, or takes the answer back (SEV.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeighFactor {
    /// Which factor of the runbook.
    pub factor: String,
    /// Which of its answers; absent takes the answer back.
    #[serde(default)]
    pub answer: Option<String>,
}
