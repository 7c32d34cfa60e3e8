//! The engine: actions in order of arrival in, firing changes out (DET.2-DET.5, DET.10, protocol 2).

use std::collections::HashMap;

use super::{
    agent::AgentState,
    authorisation::Inventory,
    firing::{FiringChange, FiringKey, Tripwire},
    recall::Recall,
};
use crate::{
    incident::AgentDeclaration,
    runbook::TripwirePlan,
    telemetry::{Action, Status},
    terms::{AgentId, NanoUsd, Time},
};

/// How long after a firing's end the backend's clock may notice it without the agent's own event time: actions that
/// arrive up to an hour after they happened are then judged live as from a file.
const CLOCK_NOTICES_AFTER: i64 = Time::HOUR;

/// Judges the actions of one world.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) plan: TripwirePlan,
    /// Plans of agents whose limits are their own (DET.7).
    own: HashMap<AgentId, TripwirePlan>,
    pub(super) inventories: HashMap<AgentId, Inventory>,
    // std's hasher: agent ids come from outside, so that its resistance to crafted keys is worth its nanoseconds.
    pub(super) agents: HashMap<AgentId, Box<AgentState>>,
}

/// One agent's figures at a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentFigures {
    /// Newest event time that went to a bucket on time.
    pub last_seen: Option<Time>,
    /// Spend in the window.
    pub spend_window: NanoUsd,
    /// Calls in the window.
    pub calls_window: u64,
    /// Hours that count towards the baseline.
    pub baseline_hours: u32,
    /// Median hourly spend in force, USD.
    pub median_spend_usd: Option<f64>,
    /// Median hourly calls in force.
    pub median_calls: Option<f64>,
    /// Tools and endpoints of open authorisation firings; agent-written.
    pub drift: Vec<String>,
}

impl Engine {
    /// Bytes an agent's state takes, besides 8 for each endpoint it called and what its open firings hold.
    pub const BYTES_PER_AGENT: usize = size_of::<AgentState>();

    /// An engine that has seen nothing.
    pub fn new(plan: TripwirePlan) -> Self {
        let own = own(&plan);
        Self { plan, own, inventories: HashMap::new(), agents: HashMap::new() }
    }

    /// Judges by other limits and rules from now on; baselines, open firings and what rules of the same name remember
    /// stay (DET.7).
    pub fn retune(&mut self, plan: TripwirePlan) {
        self.agents.values_mut().for_each(|state| state.recall.keep_only(&plan.rules));
        self.own = own(&plan);
        self.plan = plan;
    }

    /// What it judges by.
    pub fn plan(&self) -> &TripwirePlan {
        &self.plan
    }

    /// Takes an agent's declaration, or its newest one.
    pub fn declare(&mut self, agent: &AgentDeclaration) {
        self.inventories.insert(agent.id.clone(), Inventory::from(agent));
    }

    /// Judges an action and appends what it changes; a denied one counts in no rule.
    pub fn judge(&mut self, action: &Action, changes: &mut Vec<FiringChange>) {
        self.judge_approved(action, &[], changes);
    }

    /// The same for a call that a person let by the rules of these names: they learn from it and do not fire (DET.12).
    pub fn judge_approved(&mut self, action: &Action, approved: &[String], changes: &mut Vec<FiringChange>) {
        if action.status == Status::Denied {
            return;
        }
        let inventory = self.inventories.get(&action.agent);
        let state = match self.agents.get_mut(&action.agent) {
            Some(state) => state,
            None => self.agents.entry(action.agent.clone()).or_insert_with(|| Box::new(AgentState::new())),
        };
        let plan = if self.own.is_empty() { &self.plan } else { self.own.get(&action.agent).unwrap_or(&self.plan) };
        state.judge(plan, inventory, (action, approved), changes);
    }

    /// Takes a person's word on a firing. Expected behaviour closes it, thaws the baseline and counts its hours.
    pub fn acknowledge(&mut self, key: &FiringKey, expected: bool, at: Time) -> Vec<FiringChange> {
        let Some(state) = self.agents.get_mut(&key.agent) else { return Vec::new() };
        if expected && state.expect(key.tripwire, &key.detail) {
            vec![FiringChange::Closed { key: key.clone(), at }]
        } else {
            Vec::new()
        }
    }

    /// Closes, by the backend's clock, firings of agents that fell silent; recorded as their last meeting + 1 h.
    pub fn advance(&mut self, now: Time) -> Vec<FiringChange> {
        let mut changes = Vec::new();
        // One that still reports closes by its own event time, so that a backlog is judged live as from a file.
        let silent = self.agents.iter_mut().filter(|(_, state)| state.silent_for(CLOCK_NOTICES_AFTER, now));
        for (agent, state) in silent {
            state.close_over(agent, now.plus(-CLOCK_NOTICES_AFTER), &mut changes);
        }
        changes.sort_by(|a, b| order(a).cmp(&order(b)));
        changes
    }

    /// An agent's window and baseline at `now`; `None` for one that never acted.
    pub fn figures(&self, agent: &AgentId, now: Time) -> Option<AgentFigures> {
        let state = self.agents.get(agent)?;
        let (spend, calls_window, baseline_hours, medians) =
            state.figures(self.own.get(agent).unwrap_or(&self.plan), now);
        let drift = state.open.iter().filter(|held| held.tripwire == Tripwire::Authorisation);
        Some(AgentFigures {
            last_seen: state.last_seen(),
            spend_window: NanoUsd(spend),
            calls_window,
            baseline_hours,
            median_spend_usd: medians.map(|medians| medians.cost_twice() as f64 / 2e9),
            median_calls: medians.map(|medians| medians.calls_twice() as f64 / 2.0),
            drift: drift.map(|held| held.detail.clone()).collect(),
        })
    }

    /// What team rules remember, for judging calls before they run.
    pub fn recall(&self) -> Vec<(AgentId, Recall)> {
        let states = self.agents.iter().filter(|(_, state)| state.recall != Recall::default());
        states.map(|(agent, state)| (agent.clone(), state.recall.clone())).collect()
    }

    /// Agents that acted, in no order.
    pub fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.agents.keys()
    }
}

fn own(plan: &TripwirePlan) -> HashMap<AgentId, TripwirePlan> {
    plan.agent.keys().filter_map(|agent| Some((agent.clone(), plan.of(agent)?))).collect()
}

/// Closings of many agents come from a hash map: they are told in order of time.
fn order(change: &FiringChange) -> (Time, &FiringKey) {
    match change {
        FiringChange::Opened { key, at, .. } | FiringChange::Closed { key, at } => (*at, key),
        FiringChange::Counted { key, last_at, .. } => (*last_at, key),
    }
}
