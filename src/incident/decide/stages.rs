//! Autonomy returns row by row, and a tripwire in the watch falls back one (RST.2, RST.3, protocol 3).

use super::{
    dispatch::{Case, Decided, conflict},
    restart,
};
use crate::{
    incident::{
        Fact, NewEvent, Topic,
        containment::{ProofState, Scope, Stage, Switch, SwitchState},
    },
    terms::{AgentId, IncidentId, SwitchId, Time},
};

/// The share of runs that a canary stage lets through, percent.
const CANARY: u8 = 10;

/// `agent` leaves `switch` for `stage`, in one breath: what held it stays until the stage's own switch holds.
pub(super) fn restore(case: &Case<'_>, switch: &Switch, agent: &AgentId, stage: Stage, why: &str) -> Decided {
    if stage == Stage::Halted {
        return Err(conflict(format!(
            "{agent} is halted already; name the stage it goes on in, or leave it where it is"
        )));
    }
    let mut facts = Vec::new();
    // The stage it was in gives way to the new one.
    let of_old = standing(case, agent).filter(|old| old.id != switch.id);
    if let Some(old) = of_old {
        let why = format!("{agent} goes on in stage {stage}");
        facts.push(case.fact(Topic::Switches, Fact::SwitchReleased { switch: old.id, why, alone: false }));
    }
    // Nobody else is under it: nothing of it is left.
    if switch.scope == Scope::agent(agent.clone()) {
        facts.push(
            case.fact(Topic::Switches, Fact::SwitchReleased { switch: switch.id, why: why.into(), alone: false }),
        );
    } else if !switch.except.contains(agent) {
        let fact = Fact::SwitchExcepted { switch: switch.id, agent: agent.clone(), why: why.into() };
        facts.push(case.fact(Topic::Switches, fact));
    }
    facts.extend(engage(case, (next_id(case), switch.incident), agent, stage, why.to_owned()));
    Ok(facts)
}

/// The engaged switch that keeps `agent` in a stage.
fn standing<'a>(case: &Case<'a>, agent: &AgentId) -> Option<&'a Switch> {
    let engaged = case.world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    let mut staged = engaged.filter(|switch| switch.stage.is_some() && switch.scope.agent.as_ref() == Some(agent));
    staged.next().map(AsRef::as_ref)
}

/// A tripwire fired for `agent` while its stage was watched: one row back, by itself. `next` is the switch's number.
pub(super) fn fall_back(case: &Case<'_>, next: SwitchId, agent: &AgentId, what: &str) -> Vec<NewEvent> {
    let watched =
        standing(case, agent).filter(|switch| switch.watch_until.is_some_and(|until| until > case.context.now));
    let Some((old, stage)) = watched.and_then(|old| Some((old, old.stage?))) else { return Vec::new() };
    if stage == Stage::Halted {
        return Vec::new();
    }
    let why = format!("{what} fired in the watch of stage {stage}");
    let mut facts: Vec<NewEvent> =
        engage(case, (next, old.incident), agent, stage.before(), why.clone()).into_iter().collect();
    facts.push(case.fact(Topic::Switches, Fact::SwitchReleased { switch: old.id, why, alone: false }));
    facts.extend(restart::entered(case, old, Some(agent), stage.before()));
    facts
}

/// The stage's own switch; it keeps the incident of what held the agent before, so that two persons lift it where two must.
fn engage(
    case: &Case<'_>,
    (switch, incident): (SwitchId, Option<IncidentId>),
    agent: &AgentId,
    stage: Stage,
    why: String,
) -> Option<NewEvent> {
    let mode = stage.mode()?;
    let mut agents = case.context.counted.clone();
    agents.retain(|counted| counted.id == *agent && counted.state != ProofState::Idle);
    let fact = Fact::SwitchEngaged {
        switch,
        scope: Scope::agent(agent.clone()),
        mode,
        why: Some(why),
        incident,
        harm_at: None,
        expires_at: None,
        agents,
        starts_at: None,
        lane: None,
        percent: (stage == Stage::Canary).then_some(CANARY),
        stage: Some(stage),
        watch_until: Some(case.context.now.plus(i64::from(case.runbook.restart.watch.hours) * Time::HOUR)),
    };
    Some(case.fact(Topic::Switches, fact))
}

/// The number of the next switch.
pub(super) fn next_id(case: &Case<'_>) -> SwitchId {
    case.world.switches.keys().next_back().map_or(SwitchId(1), |id| id.next())
}
