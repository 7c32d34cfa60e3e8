//! Asking the interlock, and holding a lease (protocol 3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::incident::{
    OnBlind,
    containment::{Decision, Hold, HoldState, Mode},
};
use crate::terms::{ActionClass, AgentId, HoldId, SwitchId, Time, ToolName, Workflow};

/// `POST /v1/interlock/check`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// The agent's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The call's arguments: a ticket is for exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
    /// The ticket of an earlier answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Only a question about a call that runs already: no ticket is opened, and no rule counts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub look: bool,
    /// When the caller sent it, for its clock's error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

impl CheckRequest {
    /// A call by `agent` of which nothing else is known.
    pub fn by(agent: AgentId) -> Self {
        Self {
            agent,
            tool: None,
            class: None,
            run: None,
            workflow: None,
            subject: None,
            revision: None,
            input: None,
            hold: None,
            look: false,
            sent_at: None,
        }
    }
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CheckAnswer {
    /// What to do.
    pub decision: Decision,
    /// The mode of the switch that decided; absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// That switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<SwitchId>,
    /// The team's rule that decided, or `authorisation` (DET.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// In words, for the agent's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What speaks against the call and does not stop it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<String>,
    /// The lane to take instead, where a fallback names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// The ticket to wait with: ask `/v1/holds/ID?wait_s=25`, then check again with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Version of the table that answered.
    pub version: u64,
}

impl CheckAnswer {
    /// A refusal that no switch and no rule stands behind.
    pub fn denied(reason: impl Into<String>, version: u64) -> Self {
        Self {
            decision: Decision::Deny,
            mode: None,
            switch: None,
            rule: None,
            reason: Some(reason.into()),
            warn: None,
            lane: None,
            hold: None,
            version,
        }
    }
}

/// `POST /v1/interlock/lease`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// The agent's revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When it was sent, for the holder's clock error.
    #[serde(default)]
    pub sent_at: Option<Time>,
}

fn stop() -> OnBlind {
    OnBlind::Stop
}

/// Its answer: the agent's whole view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeaseAnswer {
    /// Seconds the lease lives; the holder counts from its send.
    pub ttl_s: u64,
    /// What applies to it.
    #[serde(flatten)]
    pub view: AgentView,
}

/// What applies to one agent now: `event: state` of its stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// Engaged switches that touch only a part of what it does: a tool, a class, a workflow, a subject, new runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partly: Vec<SwitchId>,
    /// What it is declared to do when blind.
    #[serde(default = "stop")]
    pub on_blind: OnBlind,
    /// The switch that decided.
    #[serde(default)]
    pub switch: Option<SwitchId>,
    /// In words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `GET /v1/holds/ID`, and each of `GET /v1/holds`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HoldView {
    /// The hold; its state is that of now: time that ran out is told before it is written down.
    #[serde(flatten)]
    pub hold: Hold,
    /// Seconds it may still wait.
    pub left_s: f64,
    /// When its client last asked for it; one that fell silent may have given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Time>,
}

impl HoldView {
    /// `hold` as it stands at `now`.
    pub fn of(hold: &Hold, asked_at: Option<Time>, now: Time) -> Self {
        let left_s = if hold.state == HoldState::Waiting { hold.left(now) as f64 / 1_000.0 } else { 0.0 };
        Self { hold: Hold { state: hold.state_at(now), ..hold.clone() }, left_s, asked_at }
    }
}

/// `POST /v1/holds/ID/decide`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideHold {
    /// Approve, or deny.
    pub approve: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the approver could see, as it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saw: Option<String>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_s: Option<f64>,
}
