//! The restart gate: what an incident's own agents need before they go on, and who may say so (RST).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, forbidden, unknown},
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, NewEvent, Refusal, Status, Topic,
        containment::{Mode, ProofState, Stage, Switch, SwitchState},
        restart::{
            AcceptCondition, AddCorrection, ApproveRestart, ConditionState, RestartOverridden, StageEntered,
            conditions, persons_needed, second,
        },
    },
    terms::AgentId,
};

/// The role whose holder answers for the severity.
const OWNER: &str = "severity-owner";

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::AcceptCondition(ask) => one(Fact::ConditionAccepted(accept(case, incident, ask)?)),
        IncidentCommand::ApproveRestart(ask) => one(Fact::RestartApproved(approve(case, incident, ask)?)),
        IncidentCommand::AddCorrection(ask) => one(Fact::CorrectionRecorded(correction(ask)?)),
        _ => Ok(Vec::new()),
    }
}

fn accept(case: &Case<'_>, incident: &Incident, ask: &AcceptCondition) -> Result<AcceptCondition, Refusal> {
    case.person("accept a restart condition")?;
    let plan = &case.runbook.restart;
    let Some(condition) = plan.condition(&ask.condition) else {
        let known: Vec<&str> = plan.conditions.iter().map(|one| one.id.as_str()).collect();
        let given: String = ask.condition.chars().take(40).collect();
        return Err(unknown(format!("{given:?} is no restart condition: one of {}", known.join(", "))));
    };
    if condition.known == Some(crate::runbook::KnownBy::Approval) {
        return Err(conflict("an approval is given, not accepted: `andon restart INC --approve --why WHY`"));
    }
    let holds = |role: &String| incident.roles.get(role).is_some_and(|who| who == case.context.by.name());
    if !plan.accept.roles.iter().any(holds) {
        return Err(forbidden(format!("a condition is accepted by whoever is {}", plan.accept.roles.join(" or "))));
    }
    let why = checks::reason("accept a condition as it is", &ask.why)?;
    Ok(AcceptCondition { condition: condition.id.clone(), why })
}

fn approve(case: &Case<'_>, incident: &Incident, ask: &ApproveRestart) -> Result<ApproveRestart, Refusal> {
    case.person("approve a restart")?;
    let why = checks::reason("approve a restart", &ask.why)?;
    let is_owner = incident.roles.get(OWNER).is_some_and(|owner| owner == case.context.by.name());
    match (ask.second, is_owner) {
        (false, false) => Err(forbidden(format!(
            "the severity owner approves a restart; `andon assign {} {OWNER} WHO` names one, `--second` is the other person's word",
            incident.id
        ))),
        (true, true) => Err(forbidden("the second person is somebody other than the severity owner (RST.4)")),
        _ => Ok(ApproveRestart { second: ask.second, why }),
    }
}

fn correction(ask: &AddCorrection) -> Result<AddCorrection, Refusal> {
    let line = |what: &str, text: &Option<String>| text.as_deref().map(|text| checks::reason(what, text)).transpose();
    Ok(AddCorrection {
        what: ask.what,
        text: checks::reason("record a correction: what was changed", &ask.text)?,
        from: line("name the version before", &ask.from)?,
        to: line("name the version after", &ask.to)?,
        shadow: line("name the shadow tasks", &ask.shadow)?,
        checks: line("name the checks", &ask.checks)?,
        rollout: line("say how it is rolled out", &ask.rollout)?,
    })
}

/// What a release is asked for: one agent or all that are left, and how far it goes.
pub(super) struct Way<'a> {
    pub agent: Option<&'a AgentId>,
    pub to: Stage,
    pub over: Option<&'a str>,
}

/// Whether `switch` may let go what `way` names. The facts are the recorded override, where one was needed.
pub(super) fn gate(case: &Case<'_>, switch: &Switch, way: &Way<'_>) -> Decided {
    let incident = switch.incident.and_then(|id| case.world.incidents.get(&id)).map(AsRef::as_ref);
    // Resolving or closing first is no way around it; only what was dismissed was no incident.
    let Some(incident) = incident.filter(|incident| incident.status != Status::Dismissed) else {
        return Ok(Vec::new());
    };
    let own = own(case, incident, switch, way.agent);
    // Whom it would free is not known where the incident names nobody: everybody counts.
    let anybody = way.agent.is_none()
        && incident.agents.is_empty()
        && !others(case, switch).any(|other| other.scope.named() == 0);
    if own.is_empty() && !anybody {
        return Ok(Vec::new());
    }
    let light = way.to == Stage::ReadOnly;
    let all = conditions(incident, case.runbook);
    let mut open: Vec<(String, String)> = all
        .into_iter()
        .filter(|one| one.state == ConditionState::Open && (one.light || !light))
        .map(|one| (one.title, one.words))
        .collect();
    open.extend(own.iter().filter_map(|agent| too_far(case, agent, way.to)));
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let two = persons_needed(incident, case.runbook) >= 2;
    let Some(over) = way.over else {
        let open: Vec<String> = open.iter().map(|(title, advice)| format!("{title} ({advice})")).collect();
        let two = if two { ". One person stops, two restart" } else { "" };
        return Err(conflict(format!(
            "{} does not let {} go on to {} yet: {}{two}. `andon restart {}` shows the gate",
            incident.id,
            way.agent.map_or_else(|| switch.id.to_string(), ToString::to_string),
            way.to,
            open.join("; "),
            incident.id
        )));
    };
    overridden(case, incident, switch, way, over, open)
}

/// The severity owner's override, with a second person where two are needed: recorded (RST.1, RST.4).
fn overridden(
    case: &Case<'_>,
    incident: &Incident,
    switch: &Switch,
    way: &Way<'_>,
    over: &str,
    open: Vec<(String, String)>,
) -> Decided {
    let why = checks::reason("release over open conditions", over)?;
    if incident.roles.get(OWNER).is_none_or(|owner| owner != case.context.by.name()) {
        return Err(forbidden(format!(
            "only the severity owner releases over open conditions; `andon assign {} {OWNER} WHO` names one",
            incident.id
        )));
    }
    if persons_needed(incident, case.runbook) >= 2 && second(incident).is_none() {
        return Err(forbidden(format!(
            "one person stops, two restart, for an override too: somebody else runs `andon restart {} --second --why WHY` first",
            incident.id
        )));
    }
    let open = open.into_iter().map(|(title, _)| title).collect();
    let said = RestartOverridden { switch: switch.id, to: way.to.to_string(), open, why };
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::RestartOverridden(said))])
}

/// Other engaged switches that halt whomever they cover, whole.
fn others<'a>(case: &Case<'a>, switch: &Switch) -> impl Iterator<Item = &'a Switch> {
    let (id, all) = (switch.id, case.world.switches.values());
    all.map(AsRef::as_ref).filter(move |other| {
        other.id != id && other.state == SwitchState::Engaged && other.mode == Mode::Halt && other.scope.is_whole()
    })
}

/// The incident's own agents that would go on: not those that another switch halts all the same (CON.12). Bystanders, shown
/// to be unaffected, are not among them.
fn own(case: &Case<'_>, incident: &Incident, switch: &Switch, agent: Option<&AgentId>) -> Vec<AgentId> {
    let covers = |switch: &Switch, agent: &AgentId| {
        switch.scope.agent.as_ref().is_none_or(|only| only == agent) && !switch.except.contains(agent)
    };
    let halted = |agent: &AgentId| others(case, switch).any(|other| covers(other, agent));
    let held = |agent: &AgentId| covers(switch, agent) && !halted(agent);
    let escaped = |agent: &AgentId| {
        switch.halt.agents.iter().any(|proof| proof.id == *agent && proof.state == ProofState::Escaped)
    };
    match agent {
        // Whom nobody has been told apart from is not shown to be unaffected.
        Some(agent) if halted(agent) => Vec::new(),
        Some(agent) if incident.agents.is_empty() || incident.agents.contains(agent) || escaped(agent) => {
            vec![agent.clone()]
        }
        Some(_) => Vec::new(),
        None => incident.agents.iter().filter(|agent| held(agent)).cloned().collect(),
    }
}

/// A stage too far: an agent that could write begins by reading, stages are taken one by one, each is watched (RST.2,
/// RST.3).
fn too_far(case: &Case<'_>, agent: &AgentId, to: Stage) -> Option<(String, String)> {
    let engaged = case.world.switches.values().filter(|switch| switch.state == SwitchState::Engaged);
    let mut staged = engaged.filter(|switch| switch.stage.is_some() && switch.scope.agent.as_ref() == Some(agent));
    let standing = staged.next();
    let now = standing.and_then(|switch| switch.stage).unwrap_or(Stage::Halted);
    if to <= now {
        return None;
    }
    if let Some(until) = standing.and_then(|switch| switch.watch_until).filter(|until| *until > case.context.now) {
        return Some((format!("{agent} is watched in {now}"), format!("until {until}")));
    }
    if standing.is_some()
        && let Some(seen) = case.context.runs.filter(|seen| *seen < case.runbook.restart.watch.runs)
    {
        let least = case.runbook.restart.watch.runs;
        return Some((format!("{agent} is watched in {now}"), format!("{seen} of {least} runs seen")));
    }
    if to > now.after() {
        return Some((format!("{agent} is {now}"), format!("next is {}", now.after())));
    }
    let owner = "`andon agents declare FILE` names one".to_owned();
    (to >= Stage::Canary && unowned(case, agent)).then(|| (format!("nobody owns {agent}, so it goes no wider"), owner))
}

/// GOV.4: nobody answers for it.
fn unowned(case: &Case<'_>, agent: &AgentId) -> bool {
    let owner = case.world.agents.get(agent).and_then(|agent| agent.declared.owner.as_deref());
    owner.is_none_or(|owner| owner.trim().is_empty())
}

/// The facts that an incident's own agents go on.
pub(super) fn entered(case: &Case<'_>, switch: &Switch, agent: Option<&AgentId>, to: Stage) -> Vec<NewEvent> {
    let incident = switch.incident.and_then(|id| case.world.incidents.get(&id)).map(AsRef::as_ref);
    let Some(incident) = incident.filter(|incident| incident.status != Status::Dismissed) else { return Vec::new() };
    let own = own(case, incident, switch, agent).into_iter();
    own.map(|agent| case.fact(Topic::Incident(incident.id), Fact::StageEntered(StageEntered { agent, stage: to })))
        .collect()
}
