//! Asking the interlock, and holding a lease (protocol 3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::incident::{OnBlind, containment::Decision, containment::Mode};
use crate::terms::{ActionClass, AgentId, SwitchId, Time, ToolName, Workflow};

/// `POST /v1/interlock/check`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Who calls.
    pub agent: AgentId,
    /// The tool.
    #[serde(default)]
    pub tool: Option<ToolName>,
    /// The class the caller states; it may only tighten.
    #[serde(default)]
    pub class: Option<ActionClass>,
    /// The run.
    #[serde(default)]
    pub run: Option<String>,
    /// The workflow the caller states.
    #[serde(default)]
    pub workflow: Option<Workflow>,
    /// On whose behalf.
    #[serde(default)]
    pub subject: Option<String>,
    /// When the caller sent it, for its clock's error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// What to do.
    pub decision: Decision,
    /// The mode of the switch that decided; absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// That switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
    /// In words, for the agent's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Version of the table that answered.
    pub version: u64,
}

/// `POST /v1/interlock/lease`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Whose.
    pub agent: AgentId,
    /// Which process of it.
    pub instance: String,
    /// The version it enforces: renewing acknowledges it.
    #[serde(default)]
    pub version: u64,
    /// What it does when blind.
    #[serde(default = "stop")]
    pub on_blind: OnBlind,
    /// When it was sent, for the holder's clock error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

fn stop() -> OnBlind {
    OnBlind::Stop
}

/// Its answer: the agent's whole view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseAnswer {
    /// Seconds the lease lives; the holder counts from its send.
    pub ttl_s: u64,
    /// What applies to it.
    #[serde(flatten)]
    pub view: AgentView,
}

/// What applies to one agent now: `event: state` of its stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    /// Version of the table.
    pub version: u64,
    /// Whose view.
    pub agent: AgentId,
    /// The decision for a tool nobody named, as a word.
    pub mode: String,
    /// Tools that are decided otherwise.
    pub tools: BTreeMap<String, Decision>,
    /// Classes that are decided otherwise.
    pub classes: BTreeMap<String, Decision>,
    /// The switch that decided.
    #[serde(default)]
    pub switch: Option<SwitchId>,
    /// In words.
    #[serde(default)]
    pub reason: Option<String>,
}
