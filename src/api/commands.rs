//! Commands over the wire: their envelope, their answer, and the bodies of resource routes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::incident::{Command, Event, Role, containment::Stage};
use crate::terms::{AgentId, DrillId, IncidentId, Time, TokenId};

/// Which world a request is about: `?world=DRILL-3`; absent is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InWorld {
    /// A drill's world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<DrillId>,
}

/// `POST` of any command: the id is the sender's, asked twice it answers the first result (law 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask<C = Command> {
    /// Unique per author.
    pub id: Uuid,
    /// What is asked.
    pub command: C,
}

/// What an accepted command did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The events it made, in order; empty when there was nothing left to do.
    pub events: Vec<Event>,
    /// `seq` of the newest event of the stream it was about.
    pub state_version: u64,
    /// False only for a switch in force that the log could not take yet (law 5).
    #[serde(default = "yes")]
    pub recorded: bool,
}

fn yes() -> bool {
    true
}

/// Answer to making a token: the only time its secret is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenMade {
    /// `TOK-1`.
    pub id: TokenId,
    /// `andon_…`; shown once.
    pub secret: String,
}

/// `POST /v1/switches/ID/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSwitch {
    /// The typed reason (RST.4).
    pub why: String,
    /// Only this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// That agent goes on in this stage, watched; absent is full autonomy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Stage>,
}

/// `POST /v1/switches/ID/annotate`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnnotateSwitch {
    /// Why it was fired.
    pub why: Option<String>,
    /// Since when harm is confirmed.
    pub harm_at: Option<Time>,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
}

/// `POST /v1/firings/ID/ack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AckFiring {
    /// Expected behaviour: closes, thaws, counts.
    pub expected: bool,
}

/// `POST /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The agent it is bound to, for an agent's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

/// `POST /v1/stop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Even if somebody goes blind.
    pub force: bool,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Who goes blind: engaged switches and live leases.
    pub blind: Vec<String>,
}
