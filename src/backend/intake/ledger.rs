//! What is kept of judged actions besides the engine: the hot store, profiles, and what is told live.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    judging::Figures,
    profiles::Profiles,
    start::Counts,
    store::{HotStore, Kept},
};
use crate::{
    api::AgentLive,
    incident::AgentDeclaration,
    telemetry::Action,
    terms::{AgentId, Time},
};

/// Agents whose newest action is remembered.
const AGENTS: usize = 1 << 16;
/// Minutes of spend told.
const MINUTES: i64 = 60;

/// One world's books.
pub(super) struct Ledger {
    pub store: Arc<HotStore>,
    pub counts: Arc<Counts>,
    pub profiles: Profiles,
    declared: HashMap<AgentId, AgentDeclaration>,
    last_seen: HashMap<AgentId, Time>,
    spend: BTreeMap<i64, i64>,
}

impl Ledger {
    pub fn new(store: Arc<HotStore>, counts: Arc<Counts>, profiles: Profiles) -> Self {
        let (declared, last_seen) = (HashMap::new(), HashMap::new());
        Self { store, counts, profiles, declared, last_seen, spend: BTreeMap::new() }
    }

    pub fn declare(&mut self, agent: &AgentDeclaration) {
        self.declared.insert(agent.id.clone(), agent.clone());
    }

    /// One canonical name: the inventory's, whatever alias it arrived under.
    pub fn name(&self, action: &mut Action) {
        if let Some(tool) = &action.tool
            && let Some(item) = self.declared.get(&action.agent).and_then(|agent| agent.item(tool))
            && item.tool() != tool
        {
            action.tool = Some(item.tool().clone());
        }
    }

    /// What is told live: who was seen last when, and the spend of the last hour.
    pub fn note(&mut self, action: &Action, now: Time) {
        if let Some(seen) = self.last_seen.get_mut(&action.agent) {
            *seen = (*seen).max(action.at.min(now));
        } else if self.last_seen.len() < AGENTS {
            self.last_seen.insert(action.agent.clone(), action.at.min(now));
        }
        if let Some(cost) = action.cost {
            let minute = action.at.min(now).millis() / Time::MINUTE;
            if minute > now.millis() / Time::MINUTE - MINUTES {
                let spent = self.spend.entry(minute).or_default();
                *spent = spent.saturating_add(cost.0);
            }
        }
    }

    /// What the agent did, summed; the inventory's class counts before the caller's.
    pub fn profile(&self, action: &Action) {
        let item = action.tool.as_ref().and_then(|tool| self.declared.get(&action.agent)?.item(tool)?.class());
        self.profiles.note(action, item.or(action.class.as_ref()));
    }

    /// Keeps the action of about `bytes` under its number.
    pub fn keep(&self, seq: u64, action: Action, bytes: usize) {
        if !self.store.push(Kept { seq, action }, bytes) {
            self.counts.shed();
        }
    }

    /// Forgets the spend of minutes that are told no more.
    pub fn forget(&mut self, now: Time) {
        let oldest = now.millis() / Time::MINUTE - MINUTES;
        self.spend = self.spend.split_off(&(oldest + 1));
    }

    /// What is told live, with the engine's figures of `agents`.
    pub fn figures(&self, mut agents: BTreeMap<String, AgentLive>, now: Time) -> Figures {
        for (agent, seen) in &self.last_seen {
            agents.entry(agent.to_string()).or_default().last_seen = Some(*seen);
        }
        let newest = now.millis() / Time::MINUTE;
        let spent = |minute| self.spend.get(&minute).map_or(0.0, |nanos| *nanos as f64 / 1e9);
        Figures { agents, spend_per_minute: (newest - MINUTES + 1..=newest).map(spent).collect() }
    }
}
