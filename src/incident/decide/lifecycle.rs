//! An incident as a whole: severity, roles, notes, harm, containment by word, the end (SEV.5, TEAM.1, TEAM.8).

use super::{
    checks,
    dispatch::{Case, Decided, conflict, invalid, unknown},
    first_minutes, pages, postmortem, restriction, team,
};
use crate::{
    incident::{
        Fact, Incident, IncidentCommand, NewEvent, Status, Topic,
        containment::{BlastRadius, SwitchState},
    },
    terms::{SwitchId, Time},
};

pub(super) fn decide(case: &Case<'_>, incident: &Incident, ask: &IncidentCommand) -> Decided {
    let one = |fact| Ok(vec![case.fact(Topic::Incident(incident.id), fact)]);
    match ask {
        IncidentCommand::Confirm {} if incident.confirmed => Ok(Vec::new()),
        IncidentCommand::Confirm {} => {
            case.person("confirm an incident")?;
            if !incident.is_open() {
                return Err(conflict(format!("{} is {}; reopen it first", incident.id, incident.status)));
            }
            // Who confirms it has seen it: the pages of it are answered.
            let mut facts = vec![case.fact(Topic::Incident(incident.id), Fact::IncidentConfirmed {})];
            facts.extend(pages::answered(case, incident));
            Ok(facts)
        }
        IncidentCommand::Dismiss { why } => {
            case.person("dismiss an incident")?;
            if incident.status == Status::Dismissed {
                return Ok(Vec::new());
            }
            if incident.confirmed {
                return Err(conflict(format!("{} is confirmed; resolve it instead of dismissing it", incident.id)));
            }
            one(Fact::IncidentDismissed { why: checks::reason("dismiss an incident", why)? })
        }
        IncidentCommand::SetSeverity { severity, why } => set_severity(case, incident, severity, why),
        IncidentCommand::Assign { role, who, note } => assign(case, incident, role, who.as_deref(), note.as_deref()),
        IncidentCommand::Note { text, at } => {
            let at = at.map(|at| case.past("the note's time", at)).transpose()?.unwrap_or(case.context.now);
            let fact = Fact::NoteAdded { text: checks::text("the note", text)? };
            Ok(vec![case.fact_at(Topic::Incident(incident.id), fact, at)])
        }
        IncidentCommand::RetractNote { seq } => retract(case, incident, *seq),
        IncidentCommand::ConfirmHarm { at } => {
            let at = case.past("the harm time", at.unwrap_or(case.context.now))?;
            if incident.harm_at == Some(at) {
                return Ok(Vec::new());
            }
            Ok(harm(case, incident, at, None))
        }
        IncidentCommand::SetEarliestAction { at } => {
            let at = case.past("the earliest action", *at)?;
            if incident.mttd.action == Some(at) {
                return Ok(Vec::new());
            }
            one(Fact::EarliestActionSet { at, received_at: signal(case, incident, at) })
        }
        IncidentCommand::EstimateBlast { velocity_per_h, window_s, reach, choice, why } => {
            let why = why.as_deref().map(|why| checks::reason("choose over the advice", why)).transpose()?;
            let blast = BlastRadius::of(*velocity_per_h, *window_s, *reach);
            if blast.window_s == 0.0 || !blast.affected.is_finite() {
                return Err(invalid("an estimate needs a velocity per hour and a window, both above zero"));
            }
            one(Fact::BlastEstimated { blast, choice: *choice, why })
        }
        IncidentCommand::DeclareContained { why } => {
            case.person("declare containment")?;
            if incident.contained_at.is_some() && !incident.containment_broken {
                return Err(conflict(format!("{} is contained already", incident.id)));
            }
            one(Fact::Contained { why: Some(checks::reason("declare containment by word", why)?) })
        }
        IncidentCommand::Resolve { note, over } => resolve(case, incident, note, over.as_deref()),
        IncidentCommand::Reopen { why } => {
            if incident.is_open() {
                return Err(conflict(format!("{} is open", incident.id)));
            }
            one(Fact::Reopened { why: checks::reason("reopen an incident", why)? })
        }
        IncidentCommand::Close { over } => close(case, incident, over.as_deref()),
        _ => Ok(Vec::new()),
    }
}

/// When the action at `at` was received, where one of the incident's firings was met by it (PM.2).
fn signal(case: &Case<'_>, incident: &Incident, at: Time) -> Option<Time> {
    let firings = incident.firings.iter().filter_map(|id| case.world.firings.get(id));
    firings.filter(|firing| firing.at == at).map(|firing| firing.received_at).min()
}

/// One harm time for the incident and its engaged switches; `told` knows it already.
pub(super) fn harm(case: &Case<'_>, incident: &Incident, at: Time, told: Option<SwitchId>) -> Vec<NewEvent> {
    let mut facts = Vec::new();
    if incident.harm_at != Some(at) {
        facts.push(case.fact(Topic::Incident(incident.id), Fact::HarmConfirmed { at }));
    }
    for id in incident.switches.iter().filter(|id| Some(**id) != told) {
        let engaged = case.world.switches.get(id).filter(|switch| switch.state == SwitchState::Engaged);
        if engaged.is_some_and(|switch| switch.harm_at != Some(at)) {
            let fact = Fact::SwitchAnnotated { switch: *id, why: None, harm_at: Some(at), incident: Some(incident.id) };
            facts.push(case.fact(Topic::Switches, fact));
        }
    }
    facts
}

fn set_severity(case: &Case<'_>, incident: &Incident, severity: &str, why: &str) -> Decided {
    // SEV.5: a person sets it.
    case.person("set a severity")?;
    let level = checks::level(case.scheme(Some(&incident.scheme))?, severity)?;
    let why = checks::reason("change the severity", why)?;
    if level == incident.severity {
        // A tripwire's guess becomes somebody's word (TEN.1).
        return Ok(first_minutes::affirmed(case, incident).into_iter().collect());
    }
    // SEV.6: the level's clocks come into force from the zeros they had; the rest of the plan is the incident's own.
    let scheme = case.scheme(Some(&incident.scheme))?;
    let plan = scheme
        .level(&level)
        .map(|next| next.clocks(&incident.clock_plan, scheme.level(&incident.severity), &case.runbook.clocks));
    let clocks = plan.filter(|plan| *plan != incident.clock_plan);
    let raised = pages::raised(case, incident, scheme, &level);
    let mut facts = vec![case.fact(Topic::Incident(incident.id), Fact::SeveritySet { severity: level, why, clocks })];
    facts.extend(raised);
    Ok(facts)
}

fn assign(case: &Case<'_>, incident: &Incident, role: &str, who: Option<&str>, note: Option<&str>) -> Decided {
    let Some(role) = case.runbook.roles.iter().find(|known| known.eq_ignore_ascii_case(role.trim())) else {
        let given: String = role.chars().take(40).collect();
        return Err(unknown(format!("{given:?} is no role: one of {}", case.runbook.roles.join(", "))));
    };
    // RST.5: an agent may gather and draft, a person decides.
    let who = who.map(|who| team::person(case, who)).transpose()?.flatten();
    who.iter().try_for_each(|who| restriction::sees(incident, who))?;
    let note = note.map(|note| checks::reason("hand over", note)).transpose()?;
    if incident.roles.get(role) == who.as_ref() {
        return Ok(Vec::new());
    }
    Ok(vec![case.fact(Topic::Incident(incident.id), Fact::RoleAssigned { role: role.clone(), who, note })])
}

fn retract(case: &Case<'_>, incident: &Incident, seq: u64) -> Decided {
    match incident.timeline.iter().find(|entry| entry.seq == seq && entry.kind == "note-added") {
        None => Err(unknown(format!("{} has no note {seq}; `andon log {}` numbers them", incident.id, incident.id))),
        Some(note) if note.retracted => Ok(Vec::new()),
        Some(_) => Ok(vec![case.fact(Topic::Incident(incident.id), Fact::NoteRetracted { seq })]),
    }
}

fn resolve(case: &Case<'_>, incident: &Incident, note: &str, over: Option<&str>) -> Decided {
    case.person("resolve an incident")?;
    if !incident.is_open() {
        return Err(conflict(format!("{} is {}; reopen it first", incident.id, incident.status)));
    }
    let note = checks::bounded("the note", note.trim())?;
    let left = left_open(case, incident);
    let mut facts = Vec::new();
    match (left.is_empty(), over) {
        (true, _) => {}
        (false, None) => {
            // RBK.8: closing over an unverified class is refused, or overridden with a reason.
            return Err(conflict(format!(
                "{} cannot be resolved yet: {}. Finish that, or give a reason to resolve over it",
                incident.id,
                left.join("; ")
            )));
        }
        (false, Some(over)) => {
            let text = format!("resolved over: {} — {}", left.join("; "), checks::reason("resolve over that", over)?);
            facts.push(case.fact(Topic::Incident(incident.id), Fact::NoteAdded { text }));
        }
    }
    facts.push(case.fact(Topic::Incident(incident.id), Fact::Resolved { note }));
    Ok(facts)
}

/// What still stands between an incident and its end.
fn left_open(case: &Case<'_>, incident: &Incident) -> Vec<String> {
    let mut left: Vec<String> = incident
        .checklists
        .iter()
        .filter(|checklist| checklist.verified.is_none())
        .map(|checklist| format!("{} ({} · {}) is not verified", checklist.id, checklist.title, checklist.target))
        .collect();
    let engaged = incident
        .switches
        .iter()
        .filter_map(|id| case.world.switches.get(id))
        .filter(|switch| switch.state == SwitchState::Engaged);
    left.extend(engaged.map(|switch| format!("{} ({}) is engaged", switch.id, switch.scope)));
    left
}

fn close(case: &Case<'_>, incident: &Incident, over: Option<&str>) -> Decided {
    case.person("close an incident")?;
    let over = over.map(|why| checks::reason("close over what is open", why)).transpose()?;
    let mut left = [left_open(case, incident), team::left(case, incident)].concat();
    // PM.7: what the severity asks for is filed before the end.
    left.extend(postmortem::unfiled(case, incident));
    match incident.status {
        Status::Closed => Ok(Vec::new()),
        // RBK.8: also what was opened, or taken back, after it was resolved.
        Status::Resolved if over.is_none() && !left.is_empty() => Err(conflict(format!(
            "{} cannot be closed yet: {}. Finish that, or give a reason to close over it",
            incident.id,
            left.join("; ")
        ))),
        Status::Resolved => Ok(vec![case.fact(Topic::Incident(incident.id), Fact::Closed { over })]),
        status if over.is_none() => Err(conflict(format!(
            "{} is {status}: resolve it first, or give a reason to close over what is open",
            incident.id
        ))),
        _ => Ok(vec![case.fact(Topic::Incident(incident.id), Fact::Closed { over })]),
    }
}
