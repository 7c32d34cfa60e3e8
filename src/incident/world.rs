//! Everything the log says, folded: one real world, and one for each drill (law 8).

use std::{collections::BTreeMap, sync::Arc};

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{
    Agent, Incident,
    containment::{AutoContainment, Hold, Switch},
    drilled::Drill,
    pages::Mute,
    session::Sessions,
    upkeep::Upkeep,
};
use crate::{
    terms::{AgentId, Author, DrillId, FiringId, HoldId, IncidentId, SwitchId, Time, TokenId, words},
    tripwire::Firing,
};

words! {
    /// What an identity may do (protocol 4). Wider roles include nothing by themselves: the table says.
    Role, "a role" {
        /// Everything a person does.
        Operator = "operator",
        /// Sees everything, acts on nothing.
        Viewer = "viewer",
        /// A script: what an operator does, but release, approve, override and severity.
        Automation = "automation",
        /// Reports telemetry for any agent, and asks the interlock for whoever stands behind it.
        Gateway = "gateway",
        /// One agent: reports, checks, leases.
        Agent = "agent",
    }
}

words! {
    /// What somebody wants to do, as coarse as the table needs.
    Right, "a right" {
        /// Ask whether the backend lives.
        Health = "health",
        /// Report telemetry.
        Report = "report",
        /// Ask the interlock before a call, over its own routes, authz or OFREP.
        Check = "check",
        /// Come with a ticket for one stream; the ticket says whose.
        Ticket = "ticket",
        /// Hold a lease, hear of changes.
        Lease = "lease",
        /// See incidents, switches, firings, agents, events.
        Watch = "watch",
        /// Declare an incident and work it: notes, roles, checklists, drafts, harm.
        Work = "work",
        /// Give one's word where nothing proves it: contained by hand, confirm or dismiss a tripwire's incident.
        Vouch = "vouch",
        /// Set the severity (SEV.5: a person sets it).
        Severity = "severity",
        /// Engage a switch, or give it its reason.
        Engage = "engage",
        /// Lift a switch, or restore an agent from it.
        Release = "release",
        /// Let a call go on that waits for a person.
        Approve = "approve",
        /// Go on over something open or unverified.
        Override = "override",
        /// Declare agents.
        Declare = "declare-agents",
        /// Acknowledge a firing.
        Acknowledge = "acknowledge",
        /// Bring another runbook into force.
        Runbook = "runbook",
        /// Start, steer and end drills.
        Drill = "drill",
        /// See, make and revoke tokens.
        Tokens = "tokens",
        /// Stop the backend.
        Stop = "stop",
        /// Record what only the backend itself sees.
        Internal = "internal",
    }
}

/// A bearer token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Token {
    /// `TOK-1`.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The agent it is bound to.
    pub agent: Option<AgentId>,
    /// SHA-256 (hex) of the secret; never leaves the backend's memory and its log.
    #[serde(skip_serializing, default)]
    #[schemars(skip)]
    pub hash: String,
    /// When it was made.
    pub made_at: Time,
    /// By whom.
    pub made_by: Author,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// One world: its incidents, switches, agents and firings. Cloning is cheap: big parts are shared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct World {
    /// Every incident.
    pub incidents: OrdMap<IncidentId, Arc<Incident>>,
    /// Every switch ever engaged.
    pub switches: OrdMap<SwitchId, Arc<Switch>>,
    /// Every call that waited for a person, or waits.
    #[serde(default)]
    pub holds: OrdMap<HoldId, Arc<Hold>>,
    /// Every firing.
    pub firings: OrdMap<FiringId, Arc<Firing>>,
    /// Every declared agent.
    pub agents: OrdMap<AgentId, Arc<Agent>>,
    /// Tripwires that were muted, in order (DET.7).
    #[serde(default, skip_serializing_if = "imbl::Vector::is_empty")]
    pub mutes: imbl::Vector<Mute>,
    /// Position of the newest event that may change what the interlock answers.
    #[serde(default)]
    pub answers_at: u64,
    /// Switches approved for tripwires and rules, by name.
    #[serde(default)]
    pub auto: OrdMap<String, Arc<AutoContainment>>,
}

/// The whole log, folded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Worlds {
    /// Position of the newest event folded.
    pub position: u64,
    /// The epoch of that position.
    pub epoch: u32,
    /// What is real.
    pub real: World,
    /// Drills' own worlds.
    pub drills: BTreeMap<DrillId, World>,
    /// The list of drills.
    pub takes: BTreeMap<DrillId, Drill>,
    /// The runbook's versions, and reports on it.
    #[serde(default)]
    pub upkeep: Upkeep,
    /// Tokens; empty in what a cockpit is sent.
    pub tokens: BTreeMap<TokenId, Token>,
    /// Sessions of people who logged in by a key.
    #[serde(default)]
    pub sessions: Sessions,
}

impl Worlds {
    /// The world of `drill`, `None` being the real one; `None` when there is no such drill.
    pub fn get(&self, drill: Option<DrillId>) -> Option<&World> {
        match drill {
            None => Some(&self.real),
            Some(drill) => self.drills.get(&drill),
        }
    }
}
