//! Commands over the wire: their envelope, their answer, and the bodies of resource routes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Live;
use crate::incident::{
    Command, Event, Incident, Role, World,
    containment::{BlastRadius, Mode, Preview, Recommended, Scope, Stage, preview, recommend, suspects},
};
use crate::terms::{AgentId, DrillId, IncidentId, Time, TokenId};
use crate::tripwire::FiringState;

/// Which world a request is about: `?world=DRILL-3`; absent is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InWorld {
    /// A drill's world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<DrillId>,
}

/// `POST` of any command: the id is the sender's, asked twice it answers the first result (law 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask<C = Command> {
    /// Unique per author.
    pub id: Uuid,
    /// What is asked.
    pub command: C,
}

/// What an accepted command did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenMade {
    /// `TOK-1`.
    pub id: TokenId,
    /// `andon_…`; shown once.
    pub secret: String,
}

/// `POST /v1/switches/ID/release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// The severity owner's reason to release over open restart conditions (RST.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// `POST /v1/switches/preview`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskPreview {
    /// What it would cover; empty is everything.
    #[serde(default)]
    pub scope: Scope,
    /// What it would do; halt where absent.
    #[serde(default = "halt")]
    pub mode: Mode,
}

fn halt() -> Mode {
    Mode::Halt
}

/// Its answer (CON.4, CON.6, CON.11).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PreviewAnswer {
    /// The scope asked about, in words.
    pub scope: String,
    /// The mode asked about.
    pub mode: Mode,
    /// What it would do.
    #[serde(flatten)]
    pub preview: Preview,
    /// The scope that is recommended now, and why.
    pub recommended: RecommendedScope,
    /// How far the harm may reach, worked from telemetry; absent while nothing is suspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast: Option<BlastRadius>,
}

impl PreviewAnswer {
    /// Worked from the log and the figures of a moment; the newest open incident's agents are the ones suspected.
    pub fn of(world: &World, live: &Live, scope: &Scope, mode: Mode) -> Self {
        let active = live.active();
        let known: BTreeSet<AgentId> = active.keys().cloned().collect();
        let incident = world.incidents.values().rev().find(|incident| incident.is_open());
        let incident = incident.map(AsRef::as_ref);
        let ready = |agent: &AgentId| active.get(agent).copied().unwrap_or(false);
        let Recommended { scope: wanted, why } = recommend(world, incident, &known, ready);
        Self {
            scope: scope.to_string(),
            mode,
            preview: preview(world, &live.figures(), scope, mode),
            recommended: RecommendedScope { scope: wanted, why },
            blast: blast(world, live, incident),
        }
    }
}

/// The calls an hour of whom is suspected, since the earliest action that is known to harm.
fn blast(world: &World, live: &Live, incident: Option<&Incident>) -> Option<BlastRadius> {
    let suspects = suspects(world);
    let began = incident
        .and_then(|incident| incident.mttd.action.or(incident.harm_at))
        .or_else(|| world.firings.values().filter(|it| it.state == FiringState::Open).map(|it| it.at).min())?;
    let figures = live.figures();
    let calls =
        figures.iter().filter(|(agent, _)| suspects.contains(*agent)).map(|(_, it)| it.calls_per_h).sum::<u64>();
    let window_s = (live.now.since(began).max(0) as f64 / 1_000.0).max(1.0);
    Some(BlastRadius::of(calls as f64, window_s, None))
}

/// A recommended scope (CON.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecommendedScope {
    /// What to stop.
    pub scope: Scope,
    /// Why this and no less.
    pub why: String,
}

/// `POST /v1/switches/ID/annotate`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AckFiring {
    /// Expected behaviour: closes, thaws, counts.
    pub expected: bool,
}

/// `POST /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Even if somebody goes blind.
    pub force: bool,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stopping {
    /// Who goes blind: engaged switches and live leases.
    pub blind: Vec<String>,
}
