//! Switches that a tripwire engages by itself, because a person approved it before (CON.14).

use serde::{Deserialize, Serialize};

use super::{Mode, Scope};
use crate::{
    terms::{AgentId, Author, SwitchId, Time, ToolName, words},
    tripwire::{FiringKey, Tripwire, Wrong},
};

words! {
    /// How far a pre-approval goes; each is moved to from the one before.
    AutoStage, "a stage of automatic containment" {
        /// Nothing follows by itself.
        Off = "off",
        /// What it would have engaged is written to the firing.
        Shadow = "shadow",
        /// The page and the incident ask for it.
        Warn = "warn",
        /// It engages, in the same breath as the firing.
        Enforce = "enforce",
    }
}

words! {
    /// What it engages over, as seen from the firing.
    AutoScope, "a scope of automatic containment" {
        /// The firing's agent.
        Agent = "agent",
        /// The firing's agent with the firing's tool; the agent as a whole where the firing names no tool.
        Tool = "tool",
        /// Everybody.
        All = "all",
    }
}

impl AutoScope {
    /// The scope for a firing; `tool` is what the firing is about, where it is a tool.
    pub fn of(self, agent: &AgentId, tool: Option<&ToolName>) -> Scope {
        match self {
            Self::All => Scope::all(),
            Self::Agent => Scope::agent(agent.clone()),
            Self::Tool => Scope { tool: tool.cloned(), ..Scope::agent(agent.clone()) },
        }
    }
}

/// The backtest that a person was shown before they moved a stage on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BacktestSeen {
    /// SHA-256 (hex) of what was shown.
    pub digest: String,
    /// How many days of telemetry it looked at.
    pub days: u32,
    /// How many actions.
    pub actions: u64,
    /// How often it would have engaged.
    pub engagements: u32,
}

/// A person's word on one tripwire or rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoContainment {
    /// Which tripwire.
    pub tripwire: Tripwire,
    /// Which rule, for `rule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How far it goes.
    pub stage: AutoStage,
    /// Over what.
    pub scope: AutoScope,
    /// As what.
    pub mode: Mode,
    /// Who approved it.
    pub by: Author,
    /// When.
    pub at: Time,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What they were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<BacktestSeen>,
}

/// Whose pre-approval it is: a rule's name, or the tripwire's word; no rule may have a tripwire's word for a name.
pub fn auto_name(tripwire: Tripwire, rule: Option<&str>) -> &str {
    rule.unwrap_or(tripwire.as_str())
}

/// The same for a firing; none for a call that was only asked for, nor for an approver who did not look: neither is
/// something its agent did.
pub fn auto_name_of(key: &FiringKey) -> Option<&str> {
    match (key.asked(), key.tripwire) {
        (Some(_), _) => None,
        (None, Tripwire::Breach) if key.approval() == Some(Wrong::RubberStamped) => None,
        (None, Tripwire::Rule) => Some(&key.detail),
        (None, tripwire) => Some(tripwire.as_str()),
    }
}

/// What followed a firing by itself, or would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AutoOutcome {
    /// The stage it was at: only `enforce` engaged.
    pub stage: AutoStage,
    /// Over what.
    pub scope: Scope,
    /// As what.
    pub mode: Mode,
    /// The switch that holds, engaged for it or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
}
