//! What is asked of the restart gate.

use serde::{Deserialize, Serialize};

use crate::terms::words;

words! {
    /// What was corrected (RST.6).
    What, "what can be corrected" {
        /// A prompt.
        Prompt = "prompt",
        /// A control.
        Control = "control",
        /// A test.
        Test = "test",
        /// A permission.
        Permission = "permission",
        /// A source of knowledge.
        Source = "source",
        /// What approvers see.
        ApprovalView = "approval-view",
    }
}

/// Records a correction (RST.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCorrection {
    /// What was corrected.
    pub what: What,
    /// In words; person-written.
    pub text: String,
    /// The version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Shadow tasks that it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
    /// Deterministic checks that it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// How it is rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
}

/// Accepts a condition as it is, with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptCondition {
    /// Which.
    pub condition: String,
    /// Why.
    pub why: String,
}

/// Approves a restart: the severity owner, or a second person (RST.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRestart {
    /// As the second person, not as the severity owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second: bool,
    /// Why.
    pub why: String,
}
