//! Agents declared by their owners (DET.14).

use std::collections::BTreeSet;

use super::dispatch::{Case, Decided, invalid};
use crate::incident::{AgentDeclaration, Fact, Refusal, Topic};

/// Most tools one inventory may list.
const TOOLS: usize = 4_096;

pub(super) fn declare(case: &Case<'_>, agents: &[AgentDeclaration]) -> Decided {
    if agents.is_empty() {
        return Err(invalid("no agent is declared: give at least one with an id and its inventory"));
    }
    let mut facts = Vec::new();
    let mut seen = BTreeSet::new();
    for agent in agents {
        if !seen.insert(&agent.id) {
            return Err(invalid(format!("{} is declared twice in one request", agent.id)));
        }
        inventory(agent)?;
        if case.world.agents.get(&agent.id).is_some_and(|known| known.declared == *agent) {
            continue;
        }
        facts.push(case.fact(Topic::Agents, Fact::AgentDeclared(agent.clone())));
    }
    Ok(facts)
}

fn inventory(agent: &AgentDeclaration) -> Result<(), Refusal> {
    if agent.inventory.len() > TOOLS {
        return Err(invalid(format!("{} lists {} tools; at most {TOOLS} are taken", agent.id, agent.inventory.len())));
    }
    let mut names = BTreeSet::new();
    for item in &agent.inventory {
        let aliases = match item {
            crate::incident::InventoryItem::Tool(_) => &[][..],
            crate::incident::InventoryItem::Known { aliases, .. } => aliases.as_slice(),
        };
        for name in std::iter::once(item.tool()).chain(aliases) {
            if !names.insert(name) {
                return Err(invalid(format!("{} lists the tool {name} twice, as a name or an alias", agent.id)));
            }
        }
    }
    Ok(())
}
