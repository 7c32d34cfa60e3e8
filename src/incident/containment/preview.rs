//! What a switch would stop and what would go on, before it is fired (CON.11); and how far the harm may reach (CON.6).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Mode, Scope};
use crate::{
    incident::{Agent, InventoryItem, Reach, World},
    terms::{AgentId, words},
    tripwire::FiringState,
};

/// What is known of an agent besides the log.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// How a switch reaches it; none where it was never heard of.
    pub reach: Option<Reach>,
    /// Calls in the last hour.
    pub calls_per_h: u64,
    /// Spend in the last hour, USD.
    pub spend_per_h: f64,
}

/// What a switch would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Preview {
    /// Agents it stops, or holds to its mode.
    pub stops: Vec<AgentId>,
    /// Agents that lose only the tool, class, subject or revision it names.
    pub partly: Vec<AgentId>,
    /// Agents that go on as before.
    pub goes_on: Vec<AgentId>,
    /// Agents in scope that are only observed: this key cannot stop them (CON.16).
    pub cannot_stop: Vec<AgentId>,
    /// Calls an hour of the agents it touches.
    pub calls_per_h: u64,
    /// Of these, calls of agents that no open firing and no open incident names: the healthy traffic that is lost.
    pub healthy_calls_per_h: u64,
    /// Spend an hour of the agents it touches, USD.
    pub spend_per_h_usd: f64,
}

/// What a switch over `scope` would do now.
pub fn preview(world: &World, figures: &BTreeMap<AgentId, Figures>, scope: &Scope, mode: Mode) -> Preview {
    let suspects = suspects(world);
    let names: BTreeSet<&AgentId> = world.agents.keys().chain(figures.keys()).collect();
    let mut preview = Preview::default();
    for agent in names {
        let known = figures.get(agent).copied().unwrap_or_default();
        if !touches(&world.agents, scope, agent) {
            preview.goes_on.push(agent.clone());
            continue;
        }
        if matches!(known.reach, None | Some(Reach::Observed)) {
            preview.cannot_stop.push(agent.clone());
            continue;
        }
        let whole =
            scope.tool.is_none() && scope.class.is_none() && scope.subject.is_none() && scope.revision.is_none();
        let all_of_it = whole && matches!(mode, Mode::Halt | Mode::Fallback | Mode::Quarantine);
        if all_of_it { &mut preview.stops } else { &mut preview.partly }.push(agent.clone());
        preview.calls_per_h += known.calls_per_h;
        preview.spend_per_h_usd += known.spend_per_h;
        if !suspects.contains(agent) {
            preview.healthy_calls_per_h += known.calls_per_h;
        }
    }
    preview
}

/// Agents that an open firing or an open incident names.
pub fn suspects(world: &World) -> BTreeSet<AgentId> {
    let firing = world.firings.values().filter(|firing| firing.state == FiringState::Open);
    let incidents = world.incidents.values().filter(|incident| incident.is_open());
    firing
        .map(|firing| firing.key.agent.clone())
        .chain(incidents.flat_map(|incident| incident.agents.iter().cloned()))
        .collect()
}

/// Whether `scope` touches one of `agents`, or anybody else; what it names and the agent's owner did not state counts as
/// inside.
pub fn touches(agents: &OrdMap<AgentId, Arc<Agent>>, scope: &Scope, agent: &AgentId) -> bool {
    let declared = agents.get(agent).map(|agent| &agent.declared);
    let has =
        |fits: &dyn Fn(&InventoryItem) -> bool| declared.is_none_or(|declared| declared.inventory.iter().any(fits));
    scope.agent.as_ref().is_none_or(|wanted| wanted == agent)
        && scope.tool.as_ref().is_none_or(|tool| has(&|item| item.is(tool)))
        && scope.class.as_ref().is_none_or(|class| has(&|item| item.class().is_none_or(|own| own == class)))
        && scope.workflow.as_ref().is_none_or(|workflow| {
            declared.and_then(|declared| declared.workflow.as_ref()).is_none_or(|own| own == workflow)
        })
}

words! {
    /// What an estimate of the blast radius advises, and what a person chose.
    Move, "a move" {
        /// Stop all of it.
        TakeDown = "take-down",
        /// Stop a part, and let the rest go on.
        Narrow = "narrow",
    }
}

/// How far the harm may reach: velocity × window, capped by what can be reached at all (CON.6).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlastRadius {
    /// Records, messages or payments an hour.
    pub velocity_per_h: f64,
    /// For how long it went on, in seconds.
    pub window_s: f64,
    /// How many can be reached at all, where that is known.
    pub reach: Option<f64>,
    /// How many are affected, at most.
    pub affected: f64,
    /// What follows.
    pub advice: Move,
}

/// From how many affected on the advice is to stop all of it.
const MANY: f64 = 1_000.0;

impl BlastRadius {
    /// Works it out. Whatever is no number, or below zero, counts as nothing.
    pub fn of(velocity_per_h: f64, window_s: f64, reach: Option<f64>) -> Self {
        let sound = |value: f64| if value.is_finite() && value > 0.0 { value } else { 0.0 };
        let (velocity_per_h, window_s, reach) = (sound(velocity_per_h), sound(window_s), reach.map(sound));
        let went = velocity_per_h * window_s / 3_600.0;
        let affected = reach.map_or(went, |reach| went.min(reach)).ceil();
        // In doubt the wide one (CON.4): what is not bounded by anything known may be many.
        let narrow = affected < MANY && reach.is_some();
        Self { velocity_per_h, window_s, reach, affected, advice: if narrow { Move::Narrow } else { Move::TakeDown } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terms::ToolName;

    fn agent(id: &str) -> AgentId {
        AgentId::new(id).unwrap()
    }

    fn figures() -> BTreeMap<AgentId, Figures> {
        let one = |reach, calls_per_h| Figures { reach, calls_per_h, spend_per_h: 1.5 };
        BTreeMap::from([
            (agent("leased"), one(Some(Reach::Leased), 100)),
            (agent("checks"), one(Some(Reach::Checks), 20)),
            (agent("seen"), one(Some(Reach::Observed), 7)),
        ])
    }

    /// CON.11, CON.16: who stops, who goes on, whom this key cannot stop, and what healthy traffic that costs.
    #[test]
    fn a_preview_says_what_stops_and_what_goes_on() {
        let world = World::default();
        let all = preview(&world, &figures(), &Scope::all(), Mode::Halt);
        assert_eq!((all.stops.len(), all.cannot_stop, all.goes_on.len()), (2, vec![agent("seen")], 0));
        assert_eq!((all.calls_per_h, all.healthy_calls_per_h, all.spend_per_h_usd), (120, 120, 3.0));
        let one = preview(&world, &figures(), &Scope::agent(agent("checks")), Mode::ReadOnly);
        assert_eq!((one.stops.len(), one.partly, one.goes_on.len()), (0, vec![agent("checks")], 2));
        let tool = Scope { tool: Some(ToolName::new("pay").unwrap()), ..Scope::default() };
        let tool = preview(&world, &figures(), &tool, Mode::Halt);
        assert_eq!((tool.stops.len(), tool.partly.len()), (0, 2), "nobody declared what they use: they may use it");
    }

    /// CON.6: the worked case: two million reachable, a thousand a day, thirty days → thirty thousand.
    #[test]
    fn the_blast_radius_is_velocity_times_window_capped_by_reach() {
        let month = 30.0 * 86_400.0;
        let worked = BlastRadius::of(1_000.0 / 24.0, month, Some(2_000_000.0));
        assert_eq!((worked.affected, worked.advice), (30_000.0, Move::TakeDown));
        assert_eq!(BlastRadius::of(1_000.0 / 24.0, month, Some(500.0)).affected, 500.0);
        assert_eq!(BlastRadius::of(10.0, 3_600.0, Some(500.0)).advice, Move::Narrow);
        assert_eq!(BlastRadius::of(10.0, 3_600.0, None).advice, Move::TakeDown, "in doubt, the wide one");
    }

    proptest! {
        #[test]
        fn an_estimate_is_always_a_number(velocity in any::<f64>(), window in any::<f64>(), reach in any::<Option<f64>>()) {
            let worked = BlastRadius::of(velocity, window, reach);
            prop_assert!(worked.affected >= 0.0 && !worked.affected.is_nan());
            prop_assert!(worked.reach.is_none_or(|reach| worked.affected <= reach.ceil()));
        }
    }
}
