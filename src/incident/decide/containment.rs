//! Switches: engaging asks nobody, releasing is slow (CON.5, CON.9, RST.4, protocol 4).

use super::{
    checks, declare,
    dispatch::{Case, Decided, conflict, unknown},
    lifecycle,
};
use crate::{
    incident::{
        Declare, Engage, Fact, Incident, NewEvent, Refusal, RefusalCode, Status, Topic,
        containment::{HaltProof, ProofState, Switch, SwitchState},
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
    if ask.expires_at.is_some_and(|at| at <= case.context.now) {
        return Err(checks_expiry(ask.expires_at.unwrap_or(case.context.now), case.context.now));
    }
    let switch = case.world.switches.keys().next_back().map_or(SwitchId(1), |id| id.next());
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
                agents: case.context.counted.clone(),
            },
        ),
    );
    if let Some(id) = incident {
        facts.push(case.fact(Topic::Incident(id), Fact::SwitchJoined { switch }));
        if let Some(at) = harm_at.filter(|_| existing.is_none_or(|incident| incident.harm_at.is_none())) {
            facts.push(case.fact(Topic::Incident(id), Fact::HarmConfirmed { at }));
        }
    }
    Ok(facts)
}

fn checks_expiry(at: Time, now: Time) -> Refusal {
    super::dispatch::invalid(format!("the expiry {at} lies in the past; it is {now} now"))
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
    if ask.expires_at.is_some() {
        return Ok((None, Vec::new()));
    }
    let mut open = case.world.incidents.values().filter(|incident| incident.is_open());
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

fn switch<'a>(case: &Case<'a>, id: SwitchId) -> Result<&'a Switch, Refusal> {
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

pub(super) fn release(case: &Case<'_>, id: SwitchId, why: &str, agent: Option<&AgentId>) -> Decided {
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
    // RST.4: resolving or closing first is no way around it; only what was dismissed was no incident.
    let incident = switch.incident.and_then(|id| case.world.incidents.get(&id));
    if let Some(incident) = incident.filter(|incident| incident.status != Status::Dismissed) {
        two_persons(case, switch, incident)?;
    }
    if let Some(agent) = agent {
        if switch.scope.agent.as_ref().is_some_and(|only| only != agent) {
            return Err(conflict(format!(
                "{id} covers {} and never {agent}: there is nothing to restore",
                switch.scope
            )));
        }
        if switch.except.contains(agent) {
            return Ok(Vec::new());
        }
        let fact = Fact::SwitchExcepted { switch: id, agent: agent.clone(), why };
        return Ok(vec![case.fact(Topic::Switches, fact)]);
    }
    let alone = switch.incident.is_none() && !expired;
    Ok(vec![case.fact(Topic::Switches, Fact::SwitchReleased { switch: id, why, alone })])
}

/// One person stops, two restart (RST.4): where the severity asks for two, whoever fired does not also release.
fn two_persons(case: &Case<'_>, switch: &Switch, incident: &Incident) -> Result<(), Refusal> {
    let level = case.runbook.schemes.get(&incident.scheme).and_then(|scheme| scheme.level(&incident.severity));
    if level.is_some_and(|level| level.restart_persons >= 2) && switch.by == case.context.by {
        return Err(Refusal::new(
            RefusalCode::Forbidden,
            format!(
                "{} is {}: one person stops, two restart. Somebody other than {} releases {}",
                incident.id, incident.severity, switch.by, switch.id
            ),
        ));
    }
    Ok(())
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
