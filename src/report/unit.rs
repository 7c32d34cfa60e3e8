//! An agent's whole operating unit in a few lines: what it may use, what it used, what restrains it (TEN.3).

use std::collections::BTreeMap;

use crate::{
    api::{State, Used},
    incident::{
        Reach,
        containment::{Mode, Switch, SwitchState},
    },
    runbook::{BeforeStage, Runbook},
    terms::AgentId,
};

/// The lines, agent-written text raw; `None` for an agent neither declared nor seen.
pub fn unit(state: &State, runbook: Option<&Runbook>, agent: &AgentId, used: &[Used]) -> Option<Vec<String>> {
    let declared = state.world.agents.get(agent);
    let live = state.live.agents.get(agent.as_str());
    if declared.is_none() && live.is_none() {
        return None;
    }
    let mut lines = Vec::new();
    match declared {
        None => lines.push("not declared: every tool it calls is outside an inventory".to_owned()),
        Some(known) => {
            let said = &known.declared;
            let owner = said.owner.as_deref().unwrap_or("nobody");
            let reviewer = said.reviewer.as_deref().map(|who| format!(", reviewed by {who}")).unwrap_or_default();
            lines.push(format!("owner {owner}{reviewer}; blast radius {}", said.blast));
            let workflow = said.workflow.as_ref().map_or("no workflow", |workflow| workflow.as_str());
            lines.push(format!("workflow {workflow}; blind it would {}", said.on_blind));
            let tools: Vec<String> = said
                .inventory
                .iter()
                .map(|item| format!("{}{}", item.tool(), item.class().map(|it| format!(" ({it})")).unwrap_or_default()))
                .collect();
            lines.push(format!("inventory version {}: {}", known.version, or_none(&tools)));
        }
    }
    if let Some(live) = live {
        lines.push(format!("reach {}, {} live leases", live.reach.map_or("observed", Reach::as_str), live.leases));
        lines.push(format!(
            "last hour: ${:.2}, {} calls; baseline {} of 24 hours",
            live.spend_window_usd, live.calls_window, live.baseline_hours
        ));
        if !live.drift.is_empty() {
            lines.push(format!("calls outside its inventory: {}", live.drift.join(", ")));
        }
    }
    let over: Vec<&Switch> =
        state.world.switches.values().map(AsRef::as_ref).filter(|one| covers(one, agent)).collect();
    lines.extend(over.iter().map(|switch| format!("under {} {} on {}", switch.id, switch.mode, switch.scope)));
    lines.push(format!("approvals in force: {}", or_none(&approvals(&over, runbook))));
    for one in used {
        let name = |it: &crate::api::UsedName| {
            let class = it.used.class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
            format!("{}{class} ×{}", it.name, it.used.times)
        };
        let names: Vec<String> = one.names.iter().take(12).map(name).collect();
        lines.push(format!("{:<10}{}", one.part.to_string(), names.join(", ")));
    }
    Some(lines)
}

/// What makes its calls wait for a person.
fn approvals(over: &[&Switch], runbook: Option<&Runbook>) -> Vec<String> {
    let waits = |switch: &&&Switch| matches!(switch.mode, Mode::Approval | Mode::Quarantine);
    let switches = over.iter().filter(waits).map(|switch| format!("{} on {}", switch.id, switch.scope));
    let rules = runbook.into_iter().flat_map(|runbook| &runbook.tripwires.rules.rules);
    let rules = rules.filter(|rule| rule.before == BeforeStage::EnforceHold).map(|rule| format!("rule {}", rule.name));
    switches.chain(rules).collect()
}

fn or_none(all: &[String]) -> String {
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// Whether an engaged switch may touch the agent: whatever else its scope asks for.
pub fn covers(switch: &Switch, agent: &AgentId) -> bool {
    switch.state == SwitchState::Engaged
        && switch.scope.agent.as_ref().is_none_or(|only| only == agent)
        && !switch.except.contains(agent)
}

/// Agents known, with what is said of each in a word: to choose one from.
pub fn agents(state: &State) -> BTreeMap<AgentId, &'static str> {
    let seen = state
        .live
        .agents
        .iter()
        .filter_map(|(name, live)| Some((AgentId::new(name).ok()?, live.reach.map_or("observed", Reach::as_str))));
    let declared = state.world.agents.keys().map(|agent| (agent.clone(), "declared"));
    declared.chain(seen).collect()
}
