//! Which scope to stop, and why: computed from known facts; in doubt, the wide one (CON.2, CON.4).

use std::collections::BTreeSet;

use super::Scope;
use crate::{
    incident::{Incident, World},
    terms::AgentId,
    tripwire::FiringState,
};

/// A scope with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommended {
    /// What to stop.
    pub scope: Scope,
    /// Why this and no less.
    pub why: String,
}

/// Recommends a scope. `active` are the agents heard of lately, `known_normal` whether an agent's figures can show it
/// unaffected (its baseline is ready).
pub fn recommend(
    world: &World,
    incident: Option<&Incident>,
    active: &BTreeSet<AgentId>,
    known_normal: impl Fn(&AgentId) -> bool,
) -> Recommended {
    let wide = |why: String| Recommended { scope: Scope::all(), why };
    let mut suspects: BTreeSet<AgentId> = world
        .firings
        .values()
        .filter(|firing| firing.state == FiringState::Open)
        .map(|firing| firing.key.agent.clone())
        .collect();
    suspects.extend(incident.into_iter().flat_map(|incident| incident.agents.iter().cloned()));
    let Some(suspect) = suspects.first() else {
        return wide("no firing and no incident names an agent: the wide scope, restored one by one".into());
    };
    if suspects.len() > 1 {
        return wide(format!("{} agents are involved: what they share is not known", suspects.len()));
    }
    let unproved = active.iter().filter(|agent| *agent != suspect && !known_normal(agent)).count();
    match unproved {
        0 => Recommended {
            scope: Scope::agent(suspect.clone()),
            why: "it alone is involved, and every other agent that acts keeps to its baseline".into(),
        },
        1 => wide("one other agent cannot be shown unaffected: its baseline is not ready".into()),
        more => wide(format!("{more} other agents cannot be shown unaffected: their baselines are not ready")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Incident;

    fn agents(names: &[&str]) -> BTreeSet<AgentId> {
        names.iter().map(|name| AgentId::new(name).unwrap()).collect()
    }

    #[test]
    fn in_doubt_the_wide_scope_is_recommended_con_4() {
        let world = World::default();
        let none: Option<&Incident> = None;
        assert_eq!(recommend(&world, none, &agents(&["a"]), |_| true).scope, Scope::all());
    }
}
