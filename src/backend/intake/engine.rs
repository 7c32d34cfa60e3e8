//! The tripwire engine as intake's judge.

use std::collections::BTreeMap;

use super::Judge;
use crate::{
    api::AgentLive,
    incident::AgentDeclaration,
    runbook::TripwirePlan,
    telemetry::Action,
    terms::{AgentId, Time},
    tripwire::{Engine, FiringChange, FiringKey, Recall},
};

impl Judge for Engine {
    fn fresh(&self) -> Box<dyn Judge> {
        Box::new(Engine::new(self.plan().clone()))
    }

    fn judge(&mut self, action: &Action, approved: &[String]) -> Vec<FiringChange> {
        let mut changes = Vec::new();
        Engine::judge_approved(self, action, approved, &mut changes);
        changes
    }

    fn retune(&mut self, plan: &TripwirePlan) {
        Engine::retune(self, plan.clone());
    }

    fn tick(&mut self, now: Time) -> Vec<FiringChange> {
        self.advance(now)
    }

    fn declare(&mut self, agent: &AgentDeclaration) {
        Engine::declare(self, agent);
    }

    fn acknowledge(&mut self, key: &FiringKey, expected: bool, now: Time) -> Vec<FiringChange> {
        Engine::acknowledge(self, key, expected, now)
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        Judge::snapshot_of(self, &|_| true)
    }

    fn snapshot_of(&self, some: &dyn Fn(&AgentId) -> bool) -> Option<Vec<u8>> {
        Engine::snapshot_of(self, some).map_err(|error| tracing::error!(%error, "the engine was not saved")).ok()
    }

    fn restore(&mut self, snapshot: &[u8]) -> bool {
        Engine::restore(self, snapshot).map_err(|error| tracing::warn!(%error, "the engine was not restored")).is_ok()
    }

    fn recall(&self) -> Vec<(AgentId, Recall)> {
        Engine::recall(self)
    }

    fn figures(&self, now: Time) -> BTreeMap<String, AgentLive> {
        let live = |agent: &AgentId| {
            let figures = Engine::figures(self, agent, now)?;
            let live = AgentLive {
                last_seen: figures.last_seen,
                spend_window_usd: figures.spend_window.usd(),
                calls_window: figures.calls_window,
                baseline_hours: figures.baseline_hours,
                median_spend_usd: figures.median_spend_usd,
                median_calls: figures.median_calls,
                drift: figures.drift,
                ..AgentLive::default()
            };
            Some((agent.to_string(), live))
        };
        self.agents().filter_map(live).collect()
    }
}
