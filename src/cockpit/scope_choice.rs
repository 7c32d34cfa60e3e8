//! What `!` offers: scopes to stop, the recommended one chosen, and what each would stop and leave running (CON.11).

use std::collections::BTreeSet;

use super::model::Model;
use crate::{
    incident::{
        Command, Engage,
        containment::{self, Mode, Recommended, Scope, recommend},
    },
    terms::{AgentId, DrillId, IncidentId, Time, ToolName},
    tripwire::{FiringState, Tripwire},
};

/// How long the overlay must have been on the screen before `Enter` fires.
pub const SETTLE_MS: i64 = 150;

/// One scope that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// What it covers.
    pub scope: Scope,
    /// Agents it would stop.
    pub stops: Vec<String>,
    /// Agents that lose only what it names.
    pub partly: Vec<String>,
    /// Agents that go on.
    pub goes_on: Vec<String>,
    /// Agents in scope that this key cannot stop.
    pub beyond: Vec<String>,
    /// Calls an hour that it touches of agents nothing speaks against.
    pub healthy_calls_per_h: u64,
}

/// The shares of runs that a canary can let through, percent.
const SHARES: [u8; 5] = [1, 5, 10, 25, 50];

/// The containment overlay. Its target is settled when it opens; nothing that arrives changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainForm {
    /// Scopes, the recommended one first.
    pub choices: Vec<Choice>,
    /// Which is chosen.
    pub at: usize,
    /// What the switch does.
    pub mode: Mode,
    /// The share of runs that a canary lets through, percent.
    pub percent: u8,
    /// Why the first is recommended.
    pub why: String,
    /// The world it fires in.
    pub world: Option<DrillId>,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// When it came onto the screen.
    pub opened_at: Time,
    /// `Enter` came too early.
    pub again: bool,
}

impl ContainForm {
    /// What is offered now.
    pub fn open(model: &Model) -> Self {
        let Recommended { scope: first, why } = recommended(model);
        let mut scopes = vec![first];
        let mut add = |scope: Scope| {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        };
        add(Scope::all());
        for agent in suspects(model) {
            add(Scope::agent(agent));
        }
        for (agent, tool) in tools(model) {
            add(Scope { tool: Some(tool.clone()), ..Scope::default() });
            add(Scope { agent: Some(agent), tool: Some(tool), ..Scope::default() });
        }
        if let Some(agent) = chosen_agent(model) {
            add(Scope::agent(agent));
        }
        scopes.truncate(9);
        let incident = model.incident().filter(|incident| incident.is_open()).map(|incident| incident.id);
        Self {
            choices: scopes.into_iter().map(|scope| preview(model, scope)).collect(),
            at: 0,
            mode: Mode::Halt,
            percent: 10,
            why,
            world: model.world,
            incident,
            opened_at: model.now,
            again: false,
        }
    }

    /// The chosen scope.
    pub fn choice(&self) -> Option<&Choice> {
        self.choices.get(self.at)
    }

    /// What `Enter` asks.
    pub fn command(&self) -> Option<Command> {
        Some(Command::Engage(Engage {
            scope: self.choice()?.scope.clone(),
            mode: self.mode,
            incident: self.incident,
            lane: (self.mode == Mode::Fallback).then(|| "fallback".to_owned()),
            percent: (self.mode == Mode::Canary).then_some(self.percent),
            declare: self.incident.is_none(),
            ..Engage::default()
        }))
    }

    /// A larger or smaller share of runs, for a canary.
    pub fn share(&mut self, by: isize) {
        let at = SHARES.iter().position(|share| *share == self.percent).unwrap_or(2);
        self.percent = SHARES[at.saturating_add_signed(by).min(SHARES.len() - 1)];
    }

    /// The next mode, round and round.
    pub fn next_mode(&mut self) {
        let at = Mode::ALL.iter().position(|mode| *mode == self.mode).unwrap_or(0);
        self.mode = Mode::ALL[(at + 1) % Mode::ALL.len()];
    }
}

fn recommended(model: &Model) -> Recommended {
    let Some(state) = &model.state else {
        return Recommended { scope: Scope::all(), why: "nothing is known yet: the wide scope".into() };
    };
    let active: BTreeSet<AgentId> = state
        .live
        .agents
        .iter()
        .filter(|(_, live)| live.last_seen.is_some())
        .filter_map(|(name, _)| AgentId::new(name).ok())
        .collect();
    let ready = |agent: &AgentId| state.live.agents.get(agent.as_str()).is_some_and(|live| live.median_calls.is_some());
    recommend(&state.world, model.incident(), &active, ready)
}

/// Agents of the incident and of open firings, the newest firing's first.
fn suspects(model: &Model) -> Vec<AgentId> {
    let Some(world) = model.world() else { return Vec::new() };
    let open = world.firings.values().rev().filter(|firing| firing.state == FiringState::Open);
    let mut agents: Vec<AgentId> = open.map(|firing| firing.key.agent.clone()).collect();
    agents.extend(model.incident().into_iter().flat_map(|incident| incident.agents.iter().cloned()));
    let mut known = BTreeSet::new();
    agents.retain(|agent| known.insert(agent.clone()));
    agents
}

/// Tools that an open authorisation firing names.
fn tools(model: &Model) -> Vec<(AgentId, ToolName)> {
    let Some(world) = model.world() else { return Vec::new() };
    let open = world.firings.values().rev().filter(|firing| firing.state == FiringState::Open);
    open.filter(|firing| firing.key.tripwire == Tripwire::Authorisation && firing.key.detail != "undeclared agent")
        .filter_map(|firing| Some((firing.key.agent.clone(), ToolName::new(&firing.key.detail).ok()?)))
        .take(3)
        .collect()
}

fn chosen_agent(model: &Model) -> Option<AgentId> {
    use super::{model::Pane, rows::RowId};
    match model.rows.of(Pane::Containment).selected.as_ref()? {
        RowId::Agent(name) => AgentId::new(name).ok(),
        RowId::Proof(_, agent) => Some(agent.clone()),
        _ => None,
    }
}

/// What `scope` would stop. A scope that names a tool stops only that tool, so its agents go on otherwise.
fn preview(model: &Model, scope: Scope) -> Choice {
    let Some(state) = &model.state else {
        return Choice { scope, ..Choice::default() };
    };
    let preview = containment::preview(&state.world, &state.live.figures(), &scope, Mode::Halt);
    let names = |agents: Vec<AgentId>| agents.into_iter().map(|agent| agent.to_string()).collect();
    Choice {
        scope,
        stops: names(preview.stops),
        partly: names(preview.partly),
        goes_on: names(preview.goes_on),
        beyond: names(preview.cannot_stop),
        healthy_calls_per_h: preview.healthy_calls_per_h,
    }
}
