//! Switches: engaging asks nobody, releasing is slow (CON.5, CON.9, RST.4, protocol 4).

use super::{
    actuators, checks, declare,
    dispatch::{Case, Decided, conflict, invalid, unknown},
    lifecycle, restart, stages,
};
use crate::{
    incident::{
        Declare, Engage, Fact, Incident, NewEvent, Refusal, Topic,
        containment::{HaltProof, Mode, ProofState, Stage, Switch, SwitchState},
    },
    terms::{AgentId, Author, IncidentId, SwitchId, Time},
};

pub(super) fn engage(case: &Case<'_>, ask: &Engage) -> Decided {
    let why = ask.why.as_deref().map(|why| checks::reason("engage a switch", why)).transpose()?;
    let harm_at = ask.harm_at.map(|at| case.past("the harm time", at)).transpose()?;
    let (incident, mut facts) = incident_of(case, ask)?;
    if ask.expires_at.is_some() && incident.is_some() {
        return Err(conflict("a switch tied to an incident never expires by itself (CON.9): leave the expiry out"));
    }
    let begins = ask.starts_at.unwrap_or(case.context.now);
    if let Some(at) = ask.expires_at.filter(|at| *at <= begins) {
        let says = if ask.starts_at.is_some() { "the switch begins" } else { "now: it is past" };
        return Err(invalid(format!("the expiry {at} lies before {says} ({begins})")));
    }
    parameters(case, ask, incident)?;
    let switch = stages::next_id(case);
    let existing = incident.and_then(|id| case.world.incidents.get(&id));
    let harm_at = harm_at.or(existing.and_then(|incident| incident.harm_at));
    // The switch comes first: what follows it belongs to it.
    facts.insert(
        0,
        case.fact(
            Topic::Switches,
            Fact::SwitchEngaged {
                switch,
                scope: ask.scope.clone(),
                mode: ask.mode,
                why,
                incident,
                harm_at,
                expires_at: ask.expires_at,
                // Whom a planned one counts is known when it begins.
                agents: if ask.starts_at.is_some() { Vec::new() } else { case.context.counted.clone() },
                starts_at: ask.starts_at,
                lane: ask.lane.clone(),
                percent: ask.percent,
                stage: None,
                watch_until: None,
            },
        ),
    );
    facts.extend(ask.fired.iter().flat_map(|fired| actuators::fired(case, switch, fired)));
    if let Some(id) = incident {
        facts.push(case.fact(Topic::Incident(id), Fact::SwitchJoined { switch }));
        if let Some(at) = harm_at.filter(|_| existing.is_none_or(|incident| incident.harm_at.is_none())) {
            facts.push(case.fact(Topic::Incident(id), Fact::HarmConfirmed { at }));
        }
    }
    Ok(facts)
}

/// What a mode needs besides its scope, and a plan besides its time.
fn parameters(case: &Case<'_>, ask: &Engage, incident: Option<IncidentId>) -> Result<(), Refusal> {
    let named =
        ask.lane.as_deref().is_some_and(|lane| !lane.trim().is_empty() && lane.chars().count() <= checks::TITLE);
    match ask.mode {
        Mode::Fallback if !named => {
            return Err(invalid("a fallback names the lane that callers take instead: give `lane`, or halt"));
        }
        Mode::Canary if !ask.percent.is_some_and(|percent| (1..=99).contains(&percent)) => {
            return Err(invalid("a canary lets 1 to 99 percent of the runs through: give `percent`, or halt"));
        }
        mode => {
            if ask.lane.is_some() && mode != Mode::Fallback {
                return Err(invalid(format!("only a fallback names a lane; leave it out for {mode}")));
            }
            if ask.percent.is_some() && mode != Mode::Canary {
                return Err(invalid(format!("only a canary has a share; leave it out for {mode}")));
            }
        }
    }
    let Some(at) = ask.starts_at else { return Ok(()) };
    if at <= case.context.now {
        return Err(invalid(format!(
            "{at} is past; it is {} now. Leave the time out to engage at once",
            case.context.now
        )));
    }
    if incident.is_some() {
        return Err(conflict("a switch of an incident engages at once; plan it without the incident (CON.9)"));
    }
    if ask.why.is_none() {
        return Err(invalid("a planned switch needs its reason: give `why` (CON.9)"));
    }
    Ok(())
}

/// A planned switch's time has come.
pub(super) fn begin(case: &Case<'_>, id: SwitchId) -> Decided {
    let switch = switch(case, id)?;
    if switch.state != SwitchState::Planned || switch.engaged_at > case.context.now {
        return Ok(Vec::new());
    }
    let fact = Fact::SwitchBegun { switch: id, agents: case.context.counted.clone() };
    Ok(vec![case.fact(Topic::Switches, fact)])
}

/// The incident a halt belongs to: the one named, else the one that is open, else a new one where that is asked.
fn incident_of(case: &Case<'_>, ask: &Engage) -> Result<(Option<IncidentId>, Vec<NewEvent>), Refusal> {
    if let Some(id) = ask.incident {
        let incident = case.incident(id)?;
        if !incident.is_open() {
            return Err(conflict(format!("{id} is {}; reopen it, or leave the incident out", incident.status)));
        }
        return Ok((Some(id), Vec::new()));
    }
    if ask.expires_at.is_some() || ask.starts_at.is_some() {
        return Ok((None, Vec::new()));
    }
    let all = case.world.incidents.values();
    let mut open = all.filter(|incident| incident.is_open() && incident.is_seen_by(&case.context.by));
    match (open.next(), open.next()) {
        (Some(only), None) => Ok((Some(only.id), Vec::new())),
        (None, _) if ask.declare => {
            let scheme = case.scheme(None)?;
            // Somebody found a halt worth it: the scheme's second worst until a person says otherwise (SEV.5).
            let severity = scheme.levels.get(1).or(scheme.levels.first()).map(|level| level.id.clone());
            let declare = Declare {
                title: format!("Halt: {}", ask.scope).chars().take(checks::TITLE).collect(),
                severity,
                agents: ask.scope.agent.iter().cloned().collect(),
                workflow: ask.scope.workflow.as_ref().map(ToString::to_string),
                ..Declare::default()
            };
            declare::declare(case, &declare).map(|(id, facts)| (Some(id), facts))
        }
        _ => Ok((None, Vec::new())),
    }
}

pub(super) fn switch<'a>(case: &Case<'a>, id: SwitchId) -> Result<&'a Switch, Refusal> {
    case.world
        .switches
        .get(&id)
        .map(AsRef::as_ref)
        .ok_or_else(|| unknown(format!("there is no {id} in this world; `andon switches` lists those there are")))
}

pub(super) fn annotate(
    case: &Case<'_>,
    id: SwitchId,
    why: Option<&str>,
    harm_at: Option<Time>,
    incident: Option<IncidentId>,
) -> Decided {
    let switch = switch(case, id)?;
    let why = why.map(|why| checks::reason("explain a switch", why)).transpose()?;
    let harm_at = harm_at.map(|at| case.past("the harm time", at)).transpose()?;
    let joins = incident.map(|id| case.incident(id)).transpose()?;
    if let (Some(old), Some(new)) = (switch.incident, incident)
        && old != new
    {
        return Err(conflict(format!("{id} belongs to {old} already")));
    }
    if switch.expires_at.is_some() && incident.is_some() {
        return Err(conflict(format!("{id} expires by itself; engage another for the incident (CON.9)")));
    }
    let joins = joins.filter(|incident| !incident.switches.contains(&id));
    if let Some(over) = joins.filter(|incident| !incident.is_open()) {
        return Err(conflict(format!("{} is {}; reopen it to give it a switch", over.id, over.status)));
    }
    // CON.1: an incident and its switches keep one harm time, whichever of them knew it first.
    let harm_at = harm_at.or(joins.and_then(|incident| incident.harm_at));
    let said = |new: bool, old: bool| new && !old;
    let news = said(why.is_some(), switch.why == why)
        || said(harm_at.is_some(), switch.harm_at == harm_at)
        || said(incident.is_some(), switch.incident == incident);
    let mut facts = Vec::new();
    if news {
        facts.push(case.fact(Topic::Switches, Fact::SwitchAnnotated { switch: id, why, harm_at, incident }));
    }
    if let Some(incident) = joins {
        facts.push(case.fact(Topic::Incident(incident.id), Fact::SwitchJoined { switch: id }));
    }
    let of = joins.or_else(|| switch.incident.and_then(|id| case.world.incidents.get(&id)).map(AsRef::as_ref));
    let at = harm_at.or(switch.harm_at.filter(|_| joins.is_some()));
    if let (Some(at), Some(of)) = (at, of) {
        facts.extend(lifecycle::harm(case, of, at, Some(id)));
    }
    if let Some(incident) = joins.filter(|one| contains(case, one, switch, &switch.halt)) {
        // It was proved before the incident had it.
        facts.push(case.fact(Topic::Incident(incident.id), Fact::Contained { why: None }));
    }
    Ok(facts)
}

pub(super) fn release(
    case: &Case<'_>,
    id: SwitchId,
    why: &str,
    agent: Option<&AgentId>,
    to: Option<Stage>,
    over: Option<&str>,
) -> Decided {
    let switch = switch(case, id)?;
    let expired =
        matches!(&case.context.by, Author::Andon(_)) && switch.expires_at.is_some_and(|at| at <= case.context.now);
    if !expired {
        case.person("release a switch")?;
    }
    let why = checks::reason("release a switch", why)?;
    if switch.state == SwitchState::Released {
        return Err(conflict(format!("{id} was released already")));
    }
    if let (None, Some(stage)) = (agent, to) {
        return Err(invalid(format!("one agent at a time goes on in stage {stage}: name it with `agent`")));
    }
    if let Some(agent) = agent.filter(|agent| switch.scope.agent.as_ref().is_some_and(|only| only != *agent)) {
        return Err(conflict(format!("{id} covers {} and never {agent}: there is nothing to restore", switch.scope)));
    }
    let stage = to.unwrap_or(Stage::Full);
    let mut facts = restart::gate(case, switch, &restart::Way { agent, to: stage, over })?;
    match (agent, to) {
        (Some(agent), Some(stage)) => facts.extend(stages::restore(case, switch, agent, stage, &why)?),
        (Some(agent), None) if switch.except.contains(agent) => return Ok(Vec::new()),
        // Nobody else is under it: nothing of it is left.
        (Some(agent), None) if switch.scope == crate::incident::containment::Scope::agent(agent.clone()) => {
            let alone = switch.incident.is_none();
            facts.push(case.fact(Topic::Switches, Fact::SwitchReleased { switch: id, why, alone }));
        }
        (Some(agent), None) => {
            let fact = Fact::SwitchExcepted { switch: id, agent: agent.clone(), why };
            facts.push(case.fact(Topic::Switches, fact));
        }
        (None, _) => {
            let alone = switch.incident.is_none() && !expired;
            facts.push(case.fact(Topic::Switches, Fact::SwitchReleased { switch: id, why, alone }));
        }
    }
    facts.extend(restart::entered(case, switch, agent, stage));
    Ok(facts)
}

/// What the interlock proved; containment follows when every counted agent of every engaged switch is confirmed.
pub(super) fn prove(case: &Case<'_>, id: SwitchId, halt: &HaltProof) -> Decided {
    let switch = switch(case, id)?;
    if switch.halt == *halt {
        return Ok(Vec::new());
    }
    let mut facts = vec![case.fact(Topic::Switches, Fact::SwitchProved { switch: id, halt: halt.clone() })];
    let Some(incident) = switch.incident.and_then(|id| case.world.incidents.get(&id)).filter(|one| one.is_open())
    else {
        return Ok(facts);
    };
    let newly_escaped = halt.agents.iter().find(|agent| {
        agent.state == ProofState::Escaped
            && !switch.halt.agents.iter().any(|old| old.id == agent.id && old.state == ProofState::Escaped)
    });
    if let Some(escaped) = newly_escaped.filter(|_| incident.contained_at.is_some()) {
        let fact = Fact::ContainmentBroken { switch: id, agent: escaped.id.clone() };
        facts.push(case.fact(Topic::Incident(incident.id), fact));
        return Ok(facts);
    }
    if contains(case, incident, switch, halt) {
        facts.push(case.fact(Topic::Incident(incident.id), Fact::Contained { why: None }));
    }
    Ok(facts)
}

/// Whether `halt`, the proof of `switch`, together with the incident's other engaged switches contains it newly.
fn contains(case: &Case<'_>, incident: &Incident, switch: &Switch, halt: &HaltProof) -> bool {
    let others_proved = incident
        .switches
        .iter()
        .filter(|other| **other != switch.id)
        .filter_map(|other| case.world.switches.get(other))
        .filter(|other| other.state == SwitchState::Engaged)
        .all(|other| all_confirmed(&other.halt));
    let open = incident.contained_at.is_none() || incident.containment_broken;
    open && switch.state == SwitchState::Engaged && halt.counted > 0 && all_confirmed(halt) && others_proved
}

fn all_confirmed(halt: &HaltProof) -> bool {
    halt.agents.iter().all(|agent| matches!(agent.state, ProofState::Confirmed | ProofState::Idle))
}
